//! One-time tickets authenticate WebSockets (CWE-598, CWE-1385, API2:2023).
//!
//! **Attack**: an access token in the URL of a WebSocket is stored in logs, browser histories and proxies.
//! Clients put the token there because a browser cannot set the headers of a WebSocket handshake.
//! Cross-site WebSocket hijacking: another site opens a socket with the victim's cookie.
//! **Control**: the client requests a ticket over HTTPS and sends the ticket as the first message of the socket.
//! A ticket has 256 random bits and is stored as a hash. It can be used once, within 30 seconds.
//! The socket is authorized until the expiry of the access token with which the client requested the ticket.
//! A second use of a ticket before its expiry is recorded as theft.
//! **Limits**: if an attacker uses a stolen ticket before its owner does, the attacker gets the socket.
//! The owner's attempt then fails and causes an event.
//! **ASVS**: 4.4.3, 4.4.4, 7.2.3, 7.4.1 · **Test**: `attacks::websockets::tickets`

mod store;

use chrono::TimeDelta;
use secrecy::SecretString;
use sqlx::PgPool;

use crate::base::clock::Clock;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::crypto::secret_tokens::SecretToken;
use crate::security::sessions::caller::Caller;

pub const LIFETIME_SECONDS: i64 = 30;

/// Issues and redeems tickets. They are stored in PostgreSQL, so that any replica can redeem them.
#[derive(Clone)]
pub struct Tickets {
    pool: PgPool,
    clock: Clock,
}

impl Tickets {
    #[must_use]
    pub fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock }
    }

    pub async fn issue(&self, caller: &Caller) -> ApiResult<SecretToken> {
        let ticket = SecretToken::random().map_err(ApiError::internal)?;
        let expires_at = self.clock.now() + TimeDelta::seconds(LIFETIME_SECONDS);
        store::insert(&self.pool, &ticket.hash(), caller, expires_at).await?;
        Ok(ticket)
    }

    /// Redeems a ticket and returns its caller, or `None` for every fault of the ticket.
    /// Only the security event contains the reason.
    pub async fn redeem(&self, ticket: &SecretString) -> ApiResult<Option<Caller>> {
        let refused = |kind, reason| {
            Event::new(kind).reason(reason).record();
            Ok(None)
        };
        let Some(ticket) = SecretToken::parse_secret(ticket) else {
            return refused(EventKind::AuthnTokenInvalid, "malformed_ticket");
        };
        let now = self.clock.now();
        let Some(found) = store::redeem(&self.pool, &ticket.hash(), now).await? else {
            return refused(EventKind::AuthnTokenInvalid, "unknown_ticket");
        };
        if found.redeemed {
            return Ok(Some(Caller::from_ticket(found.user.into(), found.session.into(), found.authorized_until)));
        }
        let (kind, reason) = if found.ended {
            (EventKind::AuthnTokenRevoked, "session_ended")
        } else if found.expired {
            (EventKind::AuthnTokenInvalid, "expired_ticket")
        } else {
            (EventKind::AuthnTokenReuse, "ticket")
        };
        Event::new(kind).reason(reason).user(found.user.into()).session(found.session.into()).record();
        Ok(None)
    }

    /// Deletes tickets ten minutes after their expiry. Until then, the event of a late use contains the user and the
    /// session.
    pub async fn sweep(&self) -> ApiResult<()> {
        Ok(store::sweep(&self.pool, self.clock.now() - TimeDelta::minutes(10)).await?)
    }
}
