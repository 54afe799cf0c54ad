//! The API is spoken over HTTPS or not at all.
//!
//! **Abuse**: reading a token off the wire. **How**: a plain request is refused, never redirected: a redirect would make the
//! client's mistake work, token and all, on every call. A token that was seen on it has been seen by others, so its session ends.
//! HTTPS is either our own listener or a listed proxy that says so; the word of anybody else is ignored, and told.
//! In development plain HTTP is served, on loopback only.
//! **Not stopped**: the first plain request itself: its token is already out; that is why its session ends.
//! **ASVS** 4.1.2, 4.1.3, 12.2.1 · **Attack** `attacks::transport`

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::caller::{Authenticator, bearer};
use super::log::event::{Event, EventKind};
use crate::config::Profile;
use crate::http::client_ip::{TrustedProxies, peer};
use crate::http::error::ApiError;

/// Headers that only a proxy of ours may send.
const PROXY_HEADERS: [&str; 4] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/// The middleware.
///
/// # Errors
/// What the rest returns.
pub async fn require_https<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if is_https(&request) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    Event::new(EventKind::PlainHttpRefused).record();
    if let (Some(token), Some(authenticator)) =
        (bearer(request.headers()), request.app_data::<Data<Authenticator>>().cloned())
        && let Ok(caller) = authenticator.verify(token).await
    {
        // If the session cannot be ended, the refusal must not read as if it had been.
        if let Err(error) = authenticator.revocations.end(caller.user(), caller.session(), "seen_on_plain_http").await {
            return Ok(request.error_response(error).map_into_right_body());
        }
    }
    Ok(request.error_response(ApiError::HttpsRequired).map_into_right_body())
}

fn is_https(request: &ServiceRequest) -> bool {
    let peer = peer(request);
    let listed = request.app_data::<Data<TrustedProxies>>().is_some_and(|proxies| proxies.contain(peer));
    if !listed && PROXY_HEADERS.iter().any(|name| request.headers().contains_key(*name)) {
        Event::new(EventKind::MaliciousForwardingHeader).record();
    }
    let development =
        request.app_data::<Data<Profile>>().is_some_and(|profile| *profile.get_ref() == Profile::Development);
    let by_proxy = listed && {
        let mut said = request.headers().get_all("x-forwarded-proto");
        matches!((said.next(), said.next()), (Some(scheme), None) if scheme.as_bytes() == b"https")
    };
    request.app_config().secure() || by_proxy || (development && peer.is_loopback())
}
