//! Checks the origin of a WebSocket handshake, and limits the message stream that the handshake opens.

use actix_web::dev::ServiceRequest;
use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::{AggregatedMessageStream, Session};

use super::connection_permits::ConnectionPermit;
use super::{MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, connection_permits, frames};
use crate::http::error::{ApiError, ApiResult};
use crate::security::browser::AllowedOrigins;

/// Checks the `Origin` of a handshake, against cross-site WebSocket hijacking. Browsers always send an `Origin`.
/// A handshake without an `Origin` is accepted, because the client must still authenticate with a ticket.
///
/// # Errors
/// [`ApiError::OriginNotAllowed`] if the `Origin` is not on the configured list.
pub fn check_origin(request: &ServiceRequest, origins: &Data<AllowedOrigins>) -> ApiResult<()> {
    let allowed = !request.headers().contains_key(header::ORIGIN) || origins.allow(request.headers());
    allowed.then_some(()).ok_or(ApiError::OriginNotAllowed)
}

/// Accepts a handshake. The response owns a clone of the permit, so the permit is released when the connection closes.
///
/// # Errors
/// [`ApiError::UpgradeRequired`] if the request is not a WebSocket handshake (RFC 6455).
pub async fn accept(
    request: &HttpRequest,
    payload: Payload,
    permit: &ConnectionPermit,
) -> ApiResult<(HttpResponse, Session, AggregatedMessageStream)> {
    let payload = frames::limited(request, payload).await?;
    let (reply, session, stream) = actix_ws::handle(request, payload).map_err(|_| ApiError::UpgradeRequired)?;
    let stream =
        stream.max_frame_size(MAX_FRAME_BYTES).aggregate_continuations().max_continuation_size(MAX_MESSAGE_BYTES);
    Ok((reply.map_body(|_, body| connection_permits::with_permit(body, permit.clone())), session, stream))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn handshake_with_an_unlisted_origin_is_rejected() {
        let origins = Data::new(AllowedOrigins(vec!["https://app.example".to_owned()]));
        let check = |lines: &[&str]| {
            let mut request = TestRequest::get();
            for line in lines {
                request = request.append_header((header::ORIGIN, *line));
            }
            check_origin(&request.to_srv_request(), &origins).is_ok()
        };
        assert!(check(&[]) && check(&["https://app.example"]));
        for refused in ["", "null", "https://evil.example", "https://app.example.evil", "http://app.example", "file://"]
        {
            assert!(!check(&[refused]), "{refused}");
        }
        assert!(!check(&["https://app.example", "https://app.example"]));
    }
}
