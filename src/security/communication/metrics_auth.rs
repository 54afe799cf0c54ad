//! Access control of the management port, which serves the metrics (CWE-200, CWE-306, API8:2023).
//!
//! **Attack**: information disclosure. Metrics show an attacker which attempts succeed, how close the service is to its
//! limits, and which components it uses.
//! **Control**: the metrics have their own listener, by default on a loopback address.
//! The public listeners do not serve the metrics.
//! If the listener of the metrics is not on a loopback address, the service does not start without TLS and a token.
//! The token is compared in constant time, and a wrong token gets 401.
//! If no token is configured, the `Host` header must be a loopback name. This prevents DNS rebinding: a web page could
//! otherwise read the metrics through a browser on the same machine.
//! **Limits**: if no token is configured, other users of the same machine can read the metrics.
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
use crate::security::sessions::caller::bearer_token;

#[derive(Clone)]
pub struct MetricsAuth(pub Option<SecretString>);

/// Middleware: refuses a request for the metrics if its token is wrong.
/// If no token is configured, it checks the `Host` header instead.
pub async fn authenticate<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match check(&request) {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(refusal) => Ok(request.error_response(refusal).map_into_right_body()),
    }
}

fn check(request: &ServiceRequest) -> ApiResult<()> {
    let auth = request
        .app_data::<Data<MetricsAuth>>()
        .ok_or_else(|| ApiError::internal("the metrics token is not in the app data"))?;
    let Some(token) = &auth.0 else {
        return if host_is_loopback(request) { Ok(()) } else { Err(ApiError::OriginNotAllowed) };
    };
    let presented = bearer_token(request.headers()).unwrap_or_default().as_bytes();
    constant_time::verify_slices_are_equal(presented, token.expose_secret().as_bytes()).map_err(|_| {
        Event::new(EventKind::AuthnTokenInvalid).reason("management").record();
        ApiError::Unauthenticated
    })
}

fn host_is_loopback(request: &ServiceRequest) -> bool {
    let mut lines = request.headers().get_all(header::HOST);
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let Ok(host) = line.to_str() else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    name == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
