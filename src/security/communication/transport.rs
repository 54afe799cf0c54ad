//! HTTPS only: plain HTTP is refused and exposed credentials are revoked (CWE-319, API8:2023).
//!
//! **Attack**: eavesdropping on tokens and cookies.
//! **Control**: a plain HTTP request is refused and never redirected.
//! If it were redirected, a misconfigured client would continue to send its token unencrypted with every request.
//! A credential that arrives unencrypted is exposed, so its session ends.
//! This applies to an access token in `Authorization`, and to a refresh token in a cookie, even to a used one.
//!
//! A request is HTTPS if it comes from our TLS listener, or from a configured proxy that sends `X-Forwarded-Proto:
//! https`. Proxy headers from other peers are ignored and cause an event.
//! Plain HTTP is only served to loopback addresses: in development for all requests, in production only for health
//! checks without credentials. The health check of a container uses plain HTTP, because it cannot verify the service's
//! certificate.
//!
//! **Limits**: the credential in a plain request is already exposed when the service refuses the request.
//! If the peer's address cannot be read, the request is refused, but the session of its token does not end: the peer
//! may be a configured proxy that received the request over HTTPS.
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
use crate::security::sessions::refresh_tokens::cookie;

/// The headers that only a configured proxy may send.
const PROXY_HEADERS: [&str; 4] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

const REASON: &str = "token_over_plain_http";

/// Each connection of the service's own TLS listener carries this mark, so its requests count as HTTPS.
pub struct TlsConnection;

pub async fn require_https<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let peer = peer(&request);
    if is_https(&request, peer) || is_local_health_check(&request, peer) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let mut refusal = ApiError::HttpsRequired;
    if peer.is_some() {
        Event::new(EventKind::PlainHttpRefused).record();
        // If the exposed session cannot be ended, the client gets the database error instead of `https_required`.
        // A client retries after such an error, and the retry can end the session.
        if let Err(error) = end_exposed_sessions(&request).await {
            refusal = error;
        }
    }
    Ok(request.error_response(refusal).map_into_right_body())
}

fn is_local_health_check(request: &ServiceRequest, peer: Option<IpAddr>) -> bool {
    let credentials = [header::AUTHORIZATION, header::COOKIE];
    request.path().starts_with("/health/")
        && peer.is_some_and(|peer| peer.is_loopback())
        && !credentials
            .iter()
            .chain(&PROXY_HEADERS.map(HeaderName::from_static))
            .any(|name| request.headers().contains_key(name))
}

async fn end_exposed_sessions(request: &ServiceRequest) -> ApiResult<()> {
    let Some(Authenticator { keys, tokens, revocations, clock }) =
        request.app_data::<Data<Authenticator>>().map(|it| it.get_ref())
    else {
        return Ok(());
    };
    for token in caller::exposed_tokens(request.headers()) {
        if let Ok(claims) = tokens.verify(token, clock.now()) {
            revocations.end(claims.user, claims.session, REASON).await?;
        }
    }
    for token in cookie::exposed_tokens(keys, request.headers()) {
        revocations.end_session_of_refresh_token(&token, REASON).await?;
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
        let mut schemes = request.headers().get_all("x-forwarded-proto");
        matches!((schemes.next(), schemes.next()), (Some(scheme), None) if scheme.as_bytes() == b"https")
    };
    request.conn_data::<TlsConnection>().is_some()
        || by_proxy
        || (development && peer.is_some_and(|peer| peer.is_loopback()))
}
