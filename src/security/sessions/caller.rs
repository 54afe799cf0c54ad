//! Authentication of each request: the caller's verified identity (CWE-287, CWE-306, API2:2023).
//!
//! **Attack**: a client sends a request without a token, with a forged token, or with a token whose session has ended.
//! **Control**: [`Caller`] has no public constructor: only a verified token or a redeemed ticket creates a `Caller`.
//! Every store method of an owned table requires a `Caller` as an argument, so code without authentication does not
//! compile. The session of the token must be live and belong to the user in the token (`revocations`).
//! **Limits**: a stolen token works until it expires or its session ends.
//! **ASVS**: 7.2.1, 7.4.1, 8.2.1, 8.3.1, 9.1.1 · **Test**: `attacks::sessions::access_tokens`

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use tracing::Span;

use crate::base::clock::Clock;
use crate::base::id::{SessionId, UserId};
use crate::http::error::{ApiError, ApiResult};
use crate::http::signature::Describe;
use crate::security::audit::context;
use crate::security::audit::event::{Event, EventKind};
use crate::security::crypto::keys::Keys;
use crate::security::sessions::access_tokens::AccessTokens;
use crate::security::sessions::revocations::{Revocations, SessionState};

#[derive(Clone, Debug)]
pub struct Caller {
    user: UserId,
    session: SessionId,
    expires_at: DateTime<Utc>,
}

impl Caller {
    /// Returns the user of the request. The request may only access the rows of this user.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Returns the time at which the access token expires.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Creates the caller of a WebSocket from a redeemed ticket (`tickets`).
    pub(in crate::security) fn from_ticket(user: UserId, session: SessionId, expires_at: DateTime<Utc>) -> Self {
        let caller = Self { user, session, expires_at };
        caller.record_in_log();
        caller
    }

    fn record_in_log(&self) {
        // One call sets both fields, because the JSON formatter rewrites all fields of a span at each change.
        tracing::record_all!(Span::current(), user = %self.user, session = %self.session);
        context::set_caller(self.user, self.session);
    }
}

impl Describe for Caller {}

/// Extracts the caller that the gate of the route (`app/gate.rs`) has stored. On a public route, fails with 401.
impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or(ApiError::Unauthenticated))
    }
}

#[derive(Clone)]
pub struct Authenticator {
    pub keys: Arc<Keys>,
    pub tokens: Arc<AccessTokens>,
    pub revocations: Arc<Revocations>,
    pub clock: Clock,
}

impl Authenticator {
    /// Authenticates a request by its headers. If the token is missing or invalid, calls `charge`, which counts the
    /// request against a rate limit, and then records an event.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`] for every fault of the token. Only the security event contains the reason.
    /// The error of `charge`, if it fails; no event is recorded then.
    /// [`ApiError::Unavailable`] if the service cannot read the state of the session (fail closed).
    pub async fn authenticate(&self, headers: &HeaderMap, charge: impl Fn() -> ApiResult<()>) -> ApiResult<Caller> {
        let Some(token) = bearer_token(headers) else {
            charge()?;
            Event::new(EventKind::AuthnTokenInvalid).reason("missing").record();
            return Err(ApiError::Unauthenticated);
        };
        self.check(token, charge).await
    }

    /// Authenticates a caller with an access token that is not in the headers of a request.
    pub async fn verify(&self, token: &str) -> ApiResult<Caller> {
        self.check(token, || Ok(())).await
    }

    async fn check(&self, token: &str, charge: impl Fn() -> ApiResult<()>) -> ApiResult<Caller> {
        let claims = match self.tokens.verify(token, self.clock.now()) {
            Ok(claims) => claims,
            Err(fault) => {
                charge()?;
                Event::new(EventKind::AuthnTokenInvalid).reason(fault.code()).record();
                return Err(ApiError::Unauthenticated);
            }
        };
        let refused = match self.revocations.session_state(claims.user, claims.session).await? {
            SessionState::Live => None,
            SessionState::Ended => {
                let revoked = Event::new(EventKind::AuthnTokenRevoked).reason("session_ended");
                Some(revoked.user(claims.user).session(claims.session))
            }
            // The signature is valid, but the service did not issue the token: an attacker has the signing key.
            // The event must not contain the user of the token, because the attacker has chosen this user.
            SessionState::Unknown => Some(Event::new(EventKind::AuthnTokenInvalid).reason("unknown_session")),
            SessionState::Foreign => Some(Event::new(EventKind::AuthnTokenInvalid).reason("foreign_session")),
        };
        if let Some(event) = refused {
            charge()?;
            event.record();
            return Err(ApiError::Unauthenticated);
        }
        self.revocations.last_uses.record(claims.session);
        let caller = Caller { user: claims.user, session: claims.session, expires_at: claims.expires_at };
        caller.record_in_log();
        Ok(caller)
    }

    /// Checks again that the token has not expired and that the session has not ended, during a long response.
    pub async fn check_still_valid(&self, caller: &Caller) -> ApiResult<()> {
        let session_state = self.revocations.session_state(caller.user, caller.session).await?;
        let live = self.clock.now() < caller.expires_at && session_state == SessionState::Live;
        live.then_some(()).ok_or(ApiError::Unauthenticated)
    }
}

/// Returns the token if there is exactly one `Authorization: Bearer …` header.
/// Tokens elsewhere are ignored, because queries are logged, and browsers add cookies to cross-site requests.
#[must_use]
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(header::AUTHORIZATION);
    match (lines.next(), lines.next()) {
        (Some(line), None) => bearer_of(line),
        _ => None,
    }
}

/// Returns the tokens of all `Authorization: Bearer …` headers of a plain HTTP request, which exposed all of them.
pub fn exposed_tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::AUTHORIZATION).filter_map(bearer_of)
}

fn bearer_of(line: &HeaderValue) -> Option<&str> {
    let (scheme, token) = line.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
