//! A socket is opened by a ticket, not by the access token.
//!
//! **Attack**: a token in the address of a socket, where logs, histories and proxies keep it (a browser cannot send it in a
//! header); a socket that another site opens with the victim's cookie.
//! **Control**: the signed-in caller asks for a ticket over HTTPS
//! and sends it as the socket's first message. It is 256 random bits, kept as a hash, good once and for 30 seconds, and speaks for
//! its user and session until the access token that asked for it ends. One that comes again is told apart and logged as a theft.
//! **Limits**: a ticket that is taken and used before its owner does; he is refused then, and the log says so.
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

/// How long a ticket waits to be used, in seconds.
pub const LIVES_SECONDS: i64 = 30;

/// Issues and redeems tickets. They are in PostgreSQL: any replica redeems what another has issued.
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

    /// A ticket for this caller.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn issue(&self, caller: &Caller) -> ApiResult<SecretToken> {
        let ticket = SecretToken::random().map_err(ApiError::internal)?;
        let expires_at = self.clock.now() + TimeDelta::seconds(LIVES_SECONDS);
        store::keep(&self.pool, &ticket.hash(), caller, expires_at).await?;
        Ok(ticket)
    }

    /// Whom this ticket speaks for; it is used up by that. `None` for every fault of it; the log tells them apart.
    ///
    /// # Errors
    /// The database cannot be asked: nobody is let in.
    pub async fn redeem(&self, ticket: &SecretString) -> ApiResult<Option<Caller>> {
        let refused = |kind, reason| {
            Event::new(kind).reason(reason).record();
            Ok(None)
        };
        let Some(ticket) = SecretToken::typed(ticket) else {
            return refused(EventKind::AuthnTokenInvalid, "malformed_ticket");
        };
        let now = self.clock.now();
        let Some(found) = store::redeem(&self.pool, &ticket.hash(), now).await? else {
            return refused(EventKind::AuthnTokenInvalid, "unknown_ticket");
        };
        if found.redeemed {
            return Ok(Some(Caller::by_ticket(found.user.into(), found.session.into(), found.authorized_until)));
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

    /// Forgets tickets whose time is over. They stay a while longer, so that a late replay is still told apart.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn sweep(&self) -> ApiResult<()> {
        Ok(store::sweep(&self.pool, self.clock.now() - TimeDelta::minutes(10)).await?)
    }
}
