//! The management port answers the operator's own tools alone.
//!
//! **Attack**: metrics show an attacker which of his tries get through, when the service is near its limits, and what it is made
//! of.
//! **Control**: a listener of its own, on loopback unless told otherwise; the public ones do not have its path. Beyond loopback
//! the configuration refuses to start without TLS and a token. With a token, whoever does not show it gets 401, compared in
//! constant time. Without one, the request must name a loopback host: a web page that points its own name at this machine (DNS
//! rebinding) is refused.
//! **Limits**: another user of the same machine, where no token is set.
//! **ASVS**: 12.3.1, 12.3.3, 13.4.5 · **Test**: `attacks::communication::metrics_auth`

use std::net::IpAddr;

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Data;
use aws_lc_rs::constant_time;
use secrecy::{ExposeSecret, SecretString};

use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::sessions::caller::bearer;

/// Who may pass.
#[derive(Clone)]
pub struct Door(pub Option<SecretString>);

/// The middleware.
///
/// # Errors
/// What the rest returns.
pub async fn admit<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match check(&request) {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(refusal) => Ok(request.error_response(refusal).map_into_right_body()),
    }
}

fn check(request: &ServiceRequest) -> ApiResult<()> {
    let door = request.app_data::<Data<Door>>().ok_or_else(|| ApiError::internal("a service is not wired"))?;
    let Some(token) = &door.0 else {
        return if names_loopback(request) { Ok(()) } else { Err(ApiError::OriginNotAllowed) };
    };
    let shown = bearer(request.headers()).unwrap_or_default().as_bytes();
    constant_time::verify_slices_are_equal(shown, token.expose_secret().as_bytes()).map_err(|_| {
        Event::new(EventKind::AuthnTokenInvalid).reason("management").record();
        ApiError::Unauthenticated
    })
}

fn names_loopback(request: &ServiceRequest) -> bool {
    let mut lines = request.headers().get_all(header::HOST);
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let Ok(host) = line.to_str() else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    name == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
