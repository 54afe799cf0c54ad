//! Session revocation: takes effect immediately, on all replicas, without a query per request (CWE-287, CWE-613,
//! API2:2023).
//!
//! **Attack**: an access token still works after logout, after a password change, or after the account was disabled.
//! Or an attacker signs a token with a leaked signing key.
//! The session in this token does not exist, or does not belong to the user in the token.
//! **Control**: at the first request of a session, the service looks up the user of the session and caches the result.
//! The cache is bounded. Ended sessions stay in memory for the lifetime of an access token and take precedence over the
//! cache.
//! PostgreSQL sends `NOTIFY session_ended` when the transaction that ends a session commits.
//! In addition, [`reader`] polls the ended sessions every second, so a lost notification is harmless.
//! If the last poll is older than two seconds, the cache is not used, and each request queries the database.
//! **Limits**: *other* replicas learn of the end of a session after milliseconds, or after at most two seconds if the
//! notification is lost. If an operator deletes the row of a session by hand, its access tokens work until they expire.
//! **ASVS**: 7.4.1, 7.4.2, 8.3.2
//! **Test**: `attacks::sessions::refresh_tokens`, `attacks::sessions::revocations`

mod last_uses;
mod reader;
mod store;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::RwLock;
use sqlx::{PgConnection, PgPool};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use self::last_uses::LastUses;
pub use self::store::CHANNEL;
use self::store::FoundSession;
use crate::base::clock::Clock;
use crate::base::id::{SessionId, UserId};
use crate::db::begin;
use crate::http::error::ApiResult;
use crate::security::audit::event::{Event, EventKind, PendingEvents};
use crate::security::crypto::secret_tokens::SecretToken;

/// The maximum age of the last poll of ended sessions. If the poll is older, the cache is not used.
pub const MAX_AGE: TimeDelta = TimeDelta::seconds(2);

/// The maximum number of sessions in the cache (about 5 MB). A full cache is emptied before the next session is added.
const MAX_CACHED: usize = 100_000;

pub struct Revocations {
    pool: PgPool,
    clock: Clock,
    /// How long an ended session stays in memory: longer than the lifetime of an access token.
    retention: TimeDelta,
    state: RwLock<State>,
    changes: watch::Sender<()>,
    pub last_uses: LastUses,
}

/// The state of the session in an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// The session has not ended, and belongs to the user in the token.
    Live,
    Ended,
    /// The session does not exist.
    Unknown,
    /// The session does not belong to the user in the token.
    Foreign,
}

/// Sessions that end when the open transaction commits.
#[must_use = "pass the sessions to `announce` after the commit"]
pub struct EndedSessions {
    sessions: Vec<SessionId>,
    pending: PendingEvents,
}

impl EndedSessions {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }
}

#[derive(Default)]
struct State {
    /// The time at which the last successful poll started.
    polled_at: Option<DateTime<Utc>>,
    /// The ended sessions, each with the time until which it stays in memory.
    ended: HashMap<SessionId, DateTime<Utc>>,
    /// The cached sessions with their users. Each session was live when it was looked up in the database.
    live: HashMap<SessionId, UserId>,
}

impl Revocations {
    #[must_use]
    pub fn new(pool: PgPool, clock: Clock, token_lifetime: TimeDelta) -> Self {
        Self {
            last_uses: LastUses::new(pool.clone(), clock.clone()),
            pool,
            clock,
            retention: token_lifetime + TimeDelta::minutes(1),
            state: RwLock::default(),
            changes: watch::Sender::new(()),
        }
    }

    /// Returns the state of a session. Queries the database if the cache is too old or does not contain the session.
    pub async fn session_state(&self, user: UserId, session: SessionId) -> ApiResult<SessionState> {
        match self.cached(user, session) {
            Some(session_state) => Ok(session_state),
            None => self.look_up(user, session).await,
        }
    }

    fn cached(&self, user: UserId, session: SessionId) -> Option<SessionState> {
        let state = self.state.read();
        if state.ended.contains_key(&session) {
            return Some(SessionState::Ended);
        }
        (state.is_current(self.clock.now()) && state.live.get(&session) == Some(&user)).then_some(SessionState::Live)
    }

    /// Queries the state of a session in the database, and caches the session if it is live.
    pub async fn look_up(&self, user: UserId, session: SessionId) -> ApiResult<SessionState> {
        let session_state = match store::find(&self.pool, session).await? {
            None => SessionState::Unknown,
            Some(FoundSession { ended: true, .. }) => SessionState::Ended,
            Some(FoundSession { user: owner, .. }) if owner == Some(user.uuid()) => SessionState::Live,
            Some(_) => SessionState::Foreign,
        };
        if session_state == SessionState::Live {
            self.state.write().cache(session, user);
        }
        Ok(session_state)
    }

    #[must_use]
    pub fn is_current(&self) -> bool {
        self.state.read().is_current(self.clock.now())
    }

    /// Ends a session of this user. Returns `false` if the user has no live session with this id.
    pub async fn end(&self, user: UserId, session: SessionId, reason: &'static str) -> ApiResult<bool> {
        let mut transaction = begin(&self.pool).await?;
        let ended = self.end_in_transaction(&mut transaction, user, session, reason).await?;
        if ended.is_empty() {
            return Ok(false);
        }
        transaction.commit().await?;
        self.announce(ended);
        Ok(true)
    }

    /// Ends the session to which a refresh token belongs, even if the token was used or has expired.
    pub async fn end_session_of_refresh_token(&self, token: &SecretToken, reason: &'static str) -> ApiResult<()> {
        if let Some((user, session)) = store::find_by_refresh_token(&self.pool, &token.hash()).await? {
            self.end(user, session, reason).await?;
        }
        Ok(())
    }

    /// Ends a session of this user in an open transaction. Call [`Self::announce`] after the commit.
    pub async fn end_in_transaction(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        session: SessionId,
        reason: &'static str,
    ) -> ApiResult<EndedSessions> {
        let ended = store::end(connection, user, session, self.clock.now()).await?;
        let ended = if ended { vec![(user, session)] } else { Vec::new() };
        self.record_ended(connection, ended, reason).await
    }

    /// Ends all sessions of this user in an open transaction. Call [`Self::announce`] after the commit.
    pub async fn end_all(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        reason: &'static str,
    ) -> ApiResult<EndedSessions> {
        let ended = store::end_all(connection, user, self.clock.now()).await?;
        self.record_ended(connection, ended.into_iter().map(|session| (user, session)).collect(), reason).await
    }

    /// Records one event for each session that another statement of this transaction has ended.
    pub async fn record_ended(
        &self,
        connection: &mut PgConnection,
        sessions: Vec<(UserId, SessionId)>,
        reason: &'static str,
    ) -> ApiResult<EndedSessions> {
        let event = |(user, session): &(UserId, SessionId)| {
            Event::new(EventKind::SessionEnded).user(*user).session(*session).reason(reason)
        };
        let pending = Event::record_all_in(sessions.iter().map(event).collect(), connection).await?;
        Ok(EndedSessions { sessions: sessions.into_iter().map(|(_, session)| session).collect(), pending })
    }

    /// Marks the sessions as ended on this replica and publishes their events. Call it after the commit.
    pub fn announce(&self, ended: EndedSessions) {
        self.mark_ended(ended.sessions);
        ended.pending.publish();
    }

    /// Marks sessions as ended. If any was not marked before, wakes the tasks of all WebSockets: each task then checks
    /// its session.
    fn mark_ended(&self, sessions: impl IntoIterator<Item = SessionId>) {
        let until = self.clock.now() + self.retention;
        let mut state = self.state.write();
        let mut any_new = false;
        for session in sessions {
            state.live.remove(&session);
            any_new |= state.ended.insert(session, until).is_none();
        }
        drop(state);
        if any_new {
            self.changes.send_replace(());
        }
    }

    fn set_polled_at(&self, at: DateTime<Utc>) {
        self.state.write().polled_at = Some(at);
    }

    /// Returns a receiver that is notified when any session ends, on any replica.
    /// The notification does not contain the session, so the receiver must call [`Self::has_ended`].
    #[must_use]
    pub fn subscribe_to_ends(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Returns whether this replica knows that this session has ended. `false` does not prove that the session is live.
    #[must_use]
    pub fn has_ended(&self, session: SessionId) -> bool {
        self.state.read().ended.contains_key(&session)
    }

    /// Marks sessions as ended when their notifications arrive, until the channel is closed.
    pub async fn follow_notifications(&self, mut announcements: broadcast::Receiver<Arc<str>>) {
        loop {
            match announcements.recv().await {
                Ok(payload) => self.mark_ended(payload.parse().ok()),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Removes ended sessions whose access tokens have expired, so that the memory stays bounded.
    pub fn sweep(&self) {
        let now = self.clock.now();
        let mut state = self.state.write();
        state.ended.retain(|_, until| *until > now);
    }
}

impl State {
    /// Caches a live session. If it has ended in the meantime, it is also in `ended`, which takes precedence.
    fn cache(&mut self, session: SessionId, user: UserId) {
        if self.live.len() >= MAX_CACHED {
            self.live.clear();
        }
        self.live.insert(session, user);
    }

    fn is_current(&self, now: DateTime<Utc>) -> bool {
        // A negative age means that the clock was set back. The cache is then not used, because its age is unknown.
        self.polled_at.is_some_and(|polled_at| (TimeDelta::zero()..MAX_AGE).contains(&(now - polled_at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_cache_is_bounded() {
        let (mut state, user) = (State::default(), UserId::new());
        for _ in 0..=MAX_CACHED {
            state.cache(SessionId::new(), user);
        }
        assert_eq!(state.live.len(), 1);
    }

    #[test]
    fn cache_is_current_for_two_seconds_after_poll() {
        let polled_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let state = State { polled_at: Some(polled_at), ..State::default() };
        let is_current = |milliseconds| state.is_current(polled_at + TimeDelta::milliseconds(milliseconds));
        assert_eq!([-1, 0, 1_999, 2_000].map(is_current), [false, true, true, false]);
        assert!(!State::default().is_current(polled_at), "no poll yet");
    }
}
