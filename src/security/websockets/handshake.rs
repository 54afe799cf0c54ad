//! The handshake of a WebSocket: its origin, and the limits of the stream that it opens.

use actix_web::dev::ServiceRequest;
use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::{AggregatedMessageStream, Session};

use super::connection_permits::Place;
use super::{MOST_FRAME, MOST_MESSAGE, connection_permits, frames};
use crate::http::error::{ApiError, ApiResult};
use crate::security::browser::AllowedOrigins;

/// Lets a handshake go on that comes from a listed origin, or from no browser. That needs no proof here: the ticket is one.
///
/// # Errors
/// [`ApiError::OriginNotAllowed`].
pub fn check_origin(request: &ServiceRequest, origins: &Data<AllowedOrigins>) -> ApiResult<()> {
    let fits = !request.headers().contains_key(header::ORIGIN) || origins.admit(request.headers());
    fits.then_some(()).ok_or(ApiError::OriginNotAllowed)
}

/// Answers a handshake. The reply holds the place until the connection is gone.
///
/// # Errors
/// [`ApiError::UpgradeRequired`] for what is no handshake of RFC 6455.
pub async fn accept(
    request: &HttpRequest,
    payload: Payload,
    place: &Place,
) -> ApiResult<(HttpResponse, Session, AggregatedMessageStream)> {
    let payload = frames::measured(request, payload).await?;
    let (reply, session, stream) = actix_ws::handle(request, payload).map_err(|_| ApiError::UpgradeRequired)?;
    let stream = stream.max_frame_size(MOST_FRAME).aggregate_continuations().max_continuation_size(MOST_MESSAGE);
    Ok((reply.map_body(|_, body| connection_permits::held(body, place.clone())), session, stream))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_handshake_comes_from_a_listed_origin_or_from_no_browser() {
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
