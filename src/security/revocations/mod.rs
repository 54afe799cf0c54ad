//! An ended session ends its tokens at once, on every replica, without asking the database for each request.
//!
//! **Abuse**: a token that outlives logout, a changed password, a disabled account. **How**: tokens are short, so only the
//! sessions that ended within one token's life matter: a small set in memory. Ending a session is announced by PostgreSQL
//! (`NOTIFY session_ended`) when its transaction commits. The set is believed only while announcements are heard: a heartbeat
//! crosses the same channel every few seconds, and while it is missing each request is looked up in the database instead.
//! **Not stopped**: the milliseconds between the commit and the announcement's arrival on *another* replica.
//! **ASVS** 7.4.1, 7.4.2, 8.3.2 · **Attack** `attacks::sessions`

mod store;

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool};

use super::log::event::{Event, EventKind};
use crate::base::clock::Clock;
use crate::base::id::{SessionId, UserId};
use crate::http::error::ApiResult;

const HEARTBEAT_EVERY: Duration = Duration::from_secs(3);
const SILENT_AFTER: Duration = Duration::from_secs(8);

/// Which sessions have ended lately.
pub struct Revocations {
    pool: PgPool,
    clock: Clock,
    /// The longest life of an access token: what ended earlier has no live token.
    keep: TimeDelta,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    /// Whether announcements are being heard, so that absence from `ended` means something.
    heard: bool,
    ended: HashMap<SessionId, DateTime<Utc>>,
}

impl Revocations {
    /// Knows nothing yet: until [`Self::listen`] hears, requests are looked up.
    #[must_use]
    pub fn new(pool: PgPool, clock: Clock, longest_token: TimeDelta) -> Self {
        Self { pool, clock, keep: longest_token + TimeDelta::minutes(1), state: RwLock::default() }
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
        Ok(store::is_live(&self.pool, session).await?)
    }

    /// Whether announcements are heard (readiness and metrics).
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).heard
    }

    /// Ends one session of a user, if it is his and alive. Returns whether it was.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn end(&self, user: UserId, session: SessionId, reason: &'static str) -> ApiResult<bool> {
        let mut connection = self.pool.acquire().await?;
        let ended = store::end(&mut connection, user, session, self.clock.now()).await?;
        if ended {
            self.announce(user, &[session], reason);
        }
        Ok(ended)
    }

    /// Ends one session of a user inside the caller's transaction. Call [`Self::announce`] once that has committed, if it was alive.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn end_within(&self, connection: &mut PgConnection, user: UserId, session: SessionId) -> ApiResult<bool> {
        Ok(store::end(connection, user, session, self.clock.now()).await?)
    }

    /// Ends all sessions of a user inside the caller's transaction. Call [`Self::announce`] with what it returns once that has
    /// committed.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn end_all(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        except: Option<SessionId>,
    ) -> ApiResult<Vec<SessionId>> {
        Ok(store::end_all(connection, user, except, self.clock.now()).await?)
    }

    /// Knows of ended sessions here without waiting for the announcement, and records the events.
    pub fn announce(&self, user: UserId, sessions: &[SessionId], reason: &'static str) {
        for session in sessions {
            self.note(*session);
            Event::new(EventKind::SessionEnded).user(user).session(*session).reason(reason).record();
        }
    }

    fn note(&self, session: SessionId) {
        let until = self.clock.now() + self.keep;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.ended.insert(session, until);
    }

    /// Hears announcements until it is dropped; reconnects by itself.
    pub async fn listen(&self) {
        loop {
            if let Err(error) = self.hear().await {
                tracing::warn!(cause = %crate::http::error::ApiError::from(error), "ended sessions are looked up, the listener is down");
            }
            self.state.write().unwrap_or_else(PoisonError::into_inner).heard = false;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// One connection's life. Listens first and loads second, so that nothing falls between.
    async fn hear(&self) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(store::CHANNEL).await?;
        self.load().await?;
        // Side by side: a heartbeat that waits for a busy database must not keep announcements waiting behind it.
        tokio::select! {
            ended = self.beat() => ended,
            ended = self.follow(&mut listener) => ended,
        }
    }

    async fn beat(&self) -> Result<(), sqlx::Error> {
        let mut heartbeat = tokio::time::interval(HEARTBEAT_EVERY);
        loop {
            heartbeat.tick().await;
            store::heartbeat(&self.pool).await?;
        }
    }

    /// Takes announcements until the heartbeat is missing. Only a heartbeat makes the set believed: behind a pooler that forgets
    /// `LISTEN` the connection is fine and nothing ever arrives.
    async fn follow(&self, listener: &mut PgListener) -> Result<(), sqlx::Error> {
        let mut silent = Box::pin(tokio::time::sleep(SILENT_AFTER));
        loop {
            let message = tokio::select! {
                () = &mut silent => return Ok(()),
                message = listener.try_recv() => message?,
            };
            match message.map(|message| message.payload().parse()) {
                Some(Ok(session)) => self.note(session),
                Some(Err(_)) => {
                    silent = Box::pin(tokio::time::sleep(SILENT_AFTER));
                    self.state.write().unwrap_or_else(PoisonError::into_inner).heard = true;
                }
                None => return Ok(()),
            }
        }
    }

    async fn load(&self) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let ended = store::ended_since(&self.pool, now - self.keep).await?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.ended.retain(|_, until| *until > now);
        state.ended.extend(ended.into_iter().map(|session| (session, now + self.keep)));
        Ok(())
    }

    /// Forgets what no live token can name.
    pub fn sweep(&self) {
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.ended.retain(|_, until| *until > now);
    }
}
