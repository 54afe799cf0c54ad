//! The verified identity of a request.
//!
//! **Attack**: acting without a token, with a forged one, or with one whose session has ended (CWE-287, CWE-613).
//! **Control**:
//! [`Caller`] has no public constructor: only a verified token or a redeemed ticket makes one. Every store method of an owned
//! table takes it, so code that does not ask who calls does not compile. The token's session must be live and belong to its
//! subject, mostly without a query (`revocations`).
//! **Limits**: a stolen token, until its session ends or it expires.
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
use crate::security::audit::context;
use crate::security::audit::event::{Event, EventKind};
use crate::security::crypto::keys::Keys;
use crate::security::sessions::access_tokens::AccessTokens;
use crate::security::sessions::revocations::{Revocations, Standing};

/// Who calls, proved.
#[derive(Clone, Debug)]
pub struct Caller {
    user: UserId,
    session: SessionId,
    until: DateTime<Utc>,
}

impl Caller {
    /// The owner of whatever this request may touch.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The sign-in that this request belongs to.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// When the proof of who calls is over.
    #[must_use]
    pub fn until(&self) -> DateTime<Utc> {
        self.until
    }

    /// By a ticket that was redeemed (`tickets`).
    pub(in crate::security) fn by_ticket(user: UserId, session: SessionId, until: DateTime<Utc>) -> Self {
        let caller = Self { user, session, until };
        caller.enter_log();
        caller
    }

    fn enter_log(&self) {
        // At once: JSON writes all fields of a span anew each time.
        tracing::record_all!(Span::current(), user = %self.user, session = %self.session);
        context::set_caller(self.user, self.session);
    }
}

/// Put there by the route's gate, so a handler that takes a `Caller` on a public route gets a refusal and not a guest.
impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or(ApiError::Unauthenticated))
    }
}

/// Turns a token into a [`Caller`].
#[derive(Clone)]
pub struct Authenticator {
    pub keys: Arc<Keys>,
    pub tokens: Arc<AccessTokens>,
    pub revocations: Arc<Revocations>,
    pub clock: Clock,
}

impl Authenticator {
    /// The caller of a request with these headers. `charge` is called once for a request that fails to authenticate, before
    /// anything is recorded of it; its error takes the place of the refusal.
    ///
    /// # Errors
    /// What `charge` returns.
    /// [`ApiError::Unauthenticated`], the same for every fault of the token; the log tells them apart.
    /// [`ApiError::Unavailable`] when it cannot be known whether the session has ended: a failed part never opens the door.
    pub async fn caller(&self, headers: &HeaderMap, charge: impl Fn() -> ApiResult<()>) -> ApiResult<Caller> {
        let Some(token) = bearer(headers) else {
            charge()?;
            Event::new(EventKind::AuthnTokenInvalid).reason("missing").record();
            return Err(ApiError::Unauthenticated);
        };
        self.check(token, charge).await
    }

    /// The caller whom this token names.
    ///
    /// # Errors
    /// As [`Self::caller`].
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
        let refused = match self.revocations.standing(claims.user, claims.session).await? {
            Standing::Live => None,
            Standing::Ended => {
                let revoked = Event::new(EventKind::AuthnTokenRevoked).reason("session_ended");
                Some(revoked.user(claims.user).session(claims.session))
            }
            // Rightly signed and not issued by us: an attacker has the signing key. The user that it names does not call.
            Standing::Unknown => Some(Event::new(EventKind::AuthnTokenInvalid).reason("unknown_session")),
            Standing::Foreign => Some(Event::new(EventKind::AuthnTokenInvalid).reason("foreign_session")),
        };
        if let Some(event) = refused {
            charge()?;
            event.record();
            return Err(ApiError::Unauthenticated);
        }
        self.revocations.last_uses.note(claims.session);
        let caller = Caller { user: claims.user, session: claims.session, until: claims.expires_at };
        caller.enter_log();
        Ok(caller)
    }

    /// Whether this caller may still be served, for a reply that goes on: his token has not expired, his session has not ended.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`]; or it cannot be known.
    pub async fn still(&self, caller: &Caller) -> ApiResult<()> {
        let standing = self.revocations.standing(caller.user, caller.session).await?;
        let live = self.clock.now() < caller.until && standing == Standing::Live;
        live.then_some(()).ok_or(ApiError::Unauthenticated)
    }
}

/// The token of exactly one `Authorization: Bearer …` header. Not from a query, a cookie or a body: those are logged, sent along
/// by browsers, or both.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(header::AUTHORIZATION);
    match (lines.next(), lines.next()) {
        (Some(line), None) => bearer_of(line),
        _ => None,
    }
}

/// The tokens of all `Authorization: Bearer …` headers, for a request that is refused: each of them was exposed.
pub fn exposed(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::AUTHORIZATION).filter_map(bearer_of)
}

fn bearer_of(line: &HeaderValue) -> Option<&str> {
    let (scheme, token) = line.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
