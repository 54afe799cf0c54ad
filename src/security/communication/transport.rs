//! The API is spoken over HTTPS or not at all (CWE-319).
//!
//! **Attack**: reading a token off the wire.
//! **Control**: a plain request is refused, never redirected: a redirect would make the
//! client's mistake work, token and all, on every call. A credential that came unencrypted was exposed, so the session that it
//! names ends: access tokens in `Authorization`, and refresh cookies, also used ones. A ticket never comes this far: it is a
//! socket's first message, and the handshake is refused before.
//! HTTPS is either our own listener or a listed proxy that says so; the same headers from others are ignored and leave an event.
//! In development plain HTTP is served, on loopback only. In production one thing is: the health of the service, to this machine
//! and without a credential. A container's health check has no certificate to trust.
//! **Limits**: the first plain request itself: its credential is already exposed; that is why its session ends. A request
//! whose peer's address is not known may have come through a listed proxy: it is refused, and nothing is concluded from it.
//! **ASVS**: 4.1.2, 4.1.3, 12.2.1 · **Test**: `attacks::communication::transport`

use std::net::IpAddr;

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName};
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::config::Profile;
use crate::http::client_ip::{TrustedProxies, peer};
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::sessions::caller::{self, Authenticator};
use crate::security::sessions::refresh_tokens;

/// Headers that only a proxy of ours may send.
const PROXY_HEADERS: [&str; 4] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/// The reason of a session's end.
const REASON: &str = "token_over_plain_http";

/// The mark of a connection to our own TLS listener.
pub struct OverTls;

/// The middleware.
///
/// # Errors
/// What the rest returns.
pub async fn require_https<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let peer = peer(&request);
    if is_https(&request, peer) || asks_for_health(&request, peer) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let mut refusal = ApiError::HttpsRequired;
    if peer.is_some() {
        Event::new(EventKind::PlainHttpRefused).record();
        // If a session cannot be ended, the refusal must not read as if it had been.
        if let Err(error) = end_exposed_sessions(&request).await {
            refusal = error;
        }
    }
    Ok(request.error_response(refusal).map_into_right_body())
}

/// Whether this machine asks how the service is, and sends nothing that must not be seen.
fn asks_for_health(request: &ServiceRequest, peer: Option<IpAddr>) -> bool {
    let credentials = [header::AUTHORIZATION, header::COOKIE];
    request.path().starts_with("/health/")
        && peer.is_some_and(|peer| peer.is_loopback())
        && !credentials
            .iter()
            .chain(&PROXY_HEADERS.map(HeaderName::from_static))
            .any(|name| request.headers().contains_key(name))
}

/// Ends every session that a credential of this request names.
async fn end_exposed_sessions(request: &ServiceRequest) -> ApiResult<()> {
    let Some(Authenticator { keys, tokens, revocations, clock }) =
        request.app_data::<Data<Authenticator>>().map(|it| it.get_ref())
    else {
        return Ok(());
    };
    for token in caller::exposed(request.headers()) {
        if let Ok(claims) = tokens.verify(token, clock.now()) {
            revocations.end(claims.user, claims.session, REASON).await?;
        }
    }
    for token in refresh_tokens::exposed(keys, request.headers()) {
        revocations.end_of_refresh_token(&token, REASON).await?;
    }
    Ok(())
}

fn is_https(request: &ServiceRequest, peer: Option<IpAddr>) -> bool {
    let proxies = request.app_data::<Data<TrustedProxies>>();
    let listed = peer.is_some_and(|peer| proxies.is_some_and(|proxies| proxies.contain(peer)));
    if peer.is_some() && !listed && PROXY_HEADERS.iter().any(|name| request.headers().contains_key(*name)) {
        Event::new(EventKind::MaliciousForwardingHeader).record();
    }
    let development =
        request.app_data::<Data<Profile>>().is_some_and(|profile| *profile.get_ref() == Profile::Development);
    let by_proxy = listed && {
        let mut said = request.headers().get_all("x-forwarded-proto");
        matches!((said.next(), said.next()), (Some(scheme), None) if scheme.as_bytes() == b"https")
    };
    request.conn_data::<OverTls>().is_some() || by_proxy || (development && peer.is_some_and(|peer| peer.is_loopback()))
}
