//! An ended session ends its tokens at once, on every replica, without asking the database for each request.
//!
//! **Abuse**: a token that outlives logout, a changed password, a disabled account. **How**: tokens are short, so only the
//! sessions that ended within one token's life matter: a small set in memory. Ending a session is announced by PostgreSQL
//! (`NOTIFY session_ended`) when its transaction commits. The set is believed only while announcements are heard
//! (`db/announcements.rs`); meanwhile each request is looked up in the database instead.
//! **Not stopped**: the milliseconds between the commit and the announcement's arrival on *another* replica.
//! **ASVS** 7.4.1, 7.4.2, 8.3.2 · **Attack** `attacks::sessions`

mod last_uses;
mod store;

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use self::last_uses::LastUses;
pub use self::store::CHANNEL;
use super::log::event::{Event, EventKind, Kept};
use super::secret_tokens::SecretToken;
use crate::base::clock::Clock;
use crate::base::id::{SessionId, UserId};
use crate::db::announcements::Heard;
use crate::db::begin;
use crate::http::error::ApiResult;

/// Which sessions have ended lately.
pub struct Revocations {
    pool: PgPool,
    clock: Clock,
    /// The longest life of an access token: what ended earlier has no live token.
    keep: TimeDelta,
    state: RwLock<State>,
    ends: watch::Sender<()>,
    pub last_uses: LastUses,
}

/// Sessions that end when a transaction commits.
#[must_use = "announce it once the transaction has committed"]
pub struct Ended {
    sessions: Vec<SessionId>,
    kept: Kept,
}

impl Ended {
    /// Whether no session was alive.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.sessions.is_empty()
    }
}

#[derive(Default)]
struct State {
    /// Whether announcements are being heard, so that absence from `ended` means something.
    heard: bool,
    ended: HashMap<SessionId, DateTime<Utc>>,
}

impl Revocations {
    /// Knows nothing yet: until [`Self::follow`] hears, requests are looked up.
    #[must_use]
    pub fn new(pool: PgPool, clock: Clock, longest_token: TimeDelta) -> Self {
        Self {
            last_uses: LastUses::new(pool.clone(), clock.clone()),
            pool,
            clock,
            keep: longest_token + TimeDelta::minutes(1),
            state: RwLock::default(),
            ends: watch::Sender::new(()),
        }
    }

    /// Whether tokens of this session still count.
    ///
    /// # Errors
    /// It had to be looked up and could not be.
    pub async fn is_live(&self, session: SessionId) -> ApiResult<bool> {
        let (heard, ended) = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            (state.heard, state.ended.contains_key(&session))
        };
        if ended || heard {
            return Ok(!ended);
        }
        self.look_up(session).await
    }

    /// Whether announcements are heard.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).heard
    }

    /// Ends one session of a user, if it is his and alive. Returns whether it was.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn end(&self, user: UserId, session: SessionId, reason: &'static str) -> ApiResult<bool> {
        let mut transaction = begin(&self.pool).await?;
        let ended = self.end_within(&mut transaction, user, session, reason).await?;
        if ended.is_none() {
            return Ok(false);
        }
        transaction.commit().await?;
        self.announce(ended);
        Ok(true)
    }

    /// Ends the session of a refresh token, used or not, if it is alive.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn end_of_refresh_token(&self, token: &SecretToken, reason: &'static str) -> ApiResult<()> {
        if let Some((user, session)) = store::of_refresh_token(&self.pool, &token.hash()).await? {
            self.end(user, session, reason).await?;
        }
        Ok(())
    }

    /// Ends one session of a user inside the caller's transaction. Call [`Self::announce`] with what it returns once that has
    /// committed.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn end_within(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        session: SessionId,
        reason: &'static str,
    ) -> ApiResult<Ended> {
        let ended = store::end(connection, user, session, self.clock.now()).await?;
        let ended = if ended { vec![(user, session)] } else { Vec::new() };
        self.have_ended(connection, ended, reason).await
    }

    /// Ends all sessions of a user inside the caller's transaction. Call [`Self::announce`] with what it returns once that has
    /// committed.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn end_all(&self, connection: &mut PgConnection, user: UserId, reason: &'static str) -> ApiResult<Ended> {
        let ended = store::end_all(connection, user, self.clock.now()).await?;
        self.have_ended(connection, ended.into_iter().map(|session| (user, session)).collect(), reason).await
    }

    /// Keeps the events of sessions that another statement of this transaction has ended.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn have_ended(
        &self,
        connection: &mut PgConnection,
        sessions: Vec<(UserId, SessionId)>,
        reason: &'static str,
    ) -> ApiResult<Ended> {
        let event = |(user, session): &(UserId, SessionId)| {
            Event::new(EventKind::SessionEnded).user(*user).session(*session).reason(reason)
        };
        let kept = Event::keep_all(sessions.iter().map(event).collect(), connection).await?;
        Ok(Ended { sessions: sessions.into_iter().map(|(_, session)| session).collect(), kept })
    }

    /// The transaction has committed: knows of the ended sessions here without waiting for the announcement, and tells.
    pub fn announce(&self, ended: Ended) {
        ended.sessions.iter().for_each(|session| self.note(*session));
        ended.kept.committed();
    }

    fn note(&self, session: SessionId) {
        let until = self.clock.now() + self.keep;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.ended.insert(session, until);
        drop(state);
        self.ends.send_replace(());
    }

    /// Rings whenever a session has ended, here or on another replica. Ask [`Self::has_ended`] then.
    #[must_use]
    pub fn ends(&self) -> watch::Receiver<()> {
        self.ends.subscribe()
    }

    /// Whether this session is known to have ended. `false` proves nothing while announcements are not heard.
    #[must_use]
    pub fn has_ended(&self, session: SessionId) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).ended.contains_key(&session)
    }

    /// Whether this session lives, asked of the database.
    ///
    /// # Errors
    /// It cannot be asked.
    pub async fn look_up(&self, session: SessionId) -> ApiResult<bool> {
        Ok(store::is_live(&self.pool, session).await?)
    }

    /// Follows the announcements until they end.
    pub async fn follow(&self, mut announcements: broadcast::Receiver<Heard>) {
        // Only a heartbeat makes the set believed, and only once it was loaded after listening had begun.
        let mut loaded = false;
        loop {
            match announcements.recv().await {
                Ok(Heard::Said { channel, payload }) if *channel == *CHANNEL => {
                    if let Ok(session) = payload.parse() {
                        self.note(session);
                    }
                }
                Ok(Heard::Said { .. }) => {}
                Ok(Heard::Alive) => {
                    loaded = loaded || self.load().await.is_ok();
                    self.believe(loaded);
                }
                Ok(Heard::Lost) | Err(RecvError::Lagged(_)) => {
                    loaded = false;
                    self.believe(false);
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn believe(&self, heard: bool) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.heard = heard;
    }

    async fn load(&self) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let ended = store::ended_since(&self.pool, now - self.keep).await?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.ended.retain(|_, until| *until > now);
        state.ended.extend(ended.into_iter().map(|session| (session, now + self.keep)));
        drop(state);
        self.ends.send_replace(());
        Ok(())
    }

    /// Forgets what no live token can name.
    pub fn sweep(&self) {
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.ended.retain(|_, until| *until > now);
    }
}
