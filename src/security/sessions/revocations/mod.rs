//! A token is live only while its session is known, belongs to its subject and has not ended: at once, on every replica, and
//! without a query for each request.
//!
//! **Attack**: a token that outlives logout, a changed password, a disabled account (CWE-613); with a leaked signing key, a token
//! that pairs one user's session with another user, or names a session that never was (CWE-287).
//! **Control**: the first use of a session asks the database who its user is; a bounded cache remembers it. Ended sessions are kept in
//! memory for the life of a token and always win over the cache. They come by `NOTIFY session_ended` when the transaction
//! commits. A lost notification is found as well: each second, [`reader`] reads what has ended since the read before.
//! What is in memory counts only while that read is younger than two seconds; otherwise each request asks the database.
//! **Limits**: the time between the commit and the announcement's arrival on *another* replica: milliseconds, or two seconds at
//! most if the announcement is lost. A session whose row is deleted by hand, without ending it, lives until its tokens expire.
//! **ASVS**: 7.4.1, 7.4.2, 8.3.2 · **Test**: `attacks::sessions::refresh_tokens`, `attacks::sessions::revocations`

mod last_uses;
mod reader;
mod store;

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use self::last_uses::LastUses;
pub use self::store::CHANNEL;
use self::store::Found;
use crate::base::clock::Clock;
use crate::base::id::{SessionId, UserId};
use crate::db::announcements::ListenerEvent;
use crate::db::begin;
use crate::http::error::ApiResult;
use crate::security::audit::event::{Event, EventKind, PendingEvents};
use crate::security::crypto::secret_tokens::SecretToken;

/// How old the newest read of ended sessions may be for the memory to count. The module's head promises it.
pub const MAX_AGE: TimeDelta = TimeDelta::seconds(2);

/// Live sessions that a process remembers (about 5 MB). Beyond it, it forgets all of them and asks again.
const MAX_REMEMBERED: usize = 100_000;

/// Which sessions are live, and which have ended lately.
pub struct Revocations {
    pool: PgPool,
    clock: Clock,
    /// The longest life of an access token: what ended earlier has no live token.
    keep: TimeDelta,
    state: RwLock<State>,
    ends: watch::Sender<()>,
    pub last_uses: LastUses,
}

/// What is known of the session that a token names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the subject's, and has not ended.
    Live,
    Ended,
    /// There is none of that id.
    Unknown,
    /// It is another user's.
    Foreign,
}

/// Sessions that end when a transaction commits.
#[must_use = "announce it once the transaction has committed"]
pub struct Ended {
    sessions: Vec<SessionId>,
    kept: PendingEvents,
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
    /// When the newest read of ended sessions began.
    read_at: Option<DateTime<Utc>>,
    /// Ended sessions, each until no access token of it can be alive.
    ended: HashMap<SessionId, DateTime<Utc>>,
    /// Sessions that were live when the database was asked, with their users.
    live: HashMap<SessionId, UserId>,
}

impl Revocations {
    /// Knows nothing yet: until [`Self::read_ends`] has read, each request asks the database.
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

    /// Whether a token of this user and this session counts.
    ///
    /// # Errors
    /// The database had to be asked and could not be.
    pub async fn standing(&self, user: UserId, session: SessionId) -> ApiResult<Standing> {
        match self.remembered(user, session) {
            Some(standing) => Ok(standing),
            None => self.look_up(user, session).await,
        }
    }

    fn remembered(&self, user: UserId, session: SessionId) -> Option<Standing> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.ended.contains_key(&session) {
            return Some(Standing::Ended);
        }
        (state.is_current(self.clock.now()) && state.live.get(&session) == Some(&user)).then_some(Standing::Live)
    }

    /// The same, asked of the database. A live session is remembered.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn look_up(&self, user: UserId, session: SessionId) -> ApiResult<Standing> {
        let standing = match store::find(&self.pool, session).await? {
            None => Standing::Unknown,
            Some(Found { ended: true, .. }) => Standing::Ended,
            Some(Found { user: owner, .. }) if owner == Some(user.uuid()) => Standing::Live,
            Some(_) => Standing::Foreign,
        };
        if standing == Standing::Live {
            self.state.write().unwrap_or_else(PoisonError::into_inner).remember(session, user);
        }
        Ok(standing)
    }

    /// Whether what is in memory counts.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).is_current(self.clock.now())
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
        let kept = Event::record_all_in(sessions.iter().map(event).collect(), connection).await?;
        Ok(Ended { sessions: sessions.into_iter().map(|(_, session)| session).collect(), kept })
    }

    /// The transaction has committed: knows of the ended sessions here without waiting for the announcement, and tells.
    pub fn announce(&self, ended: Ended) {
        ended.sessions.iter().for_each(|session| self.note(*session));
        ended.kept.publish();
    }

    fn note(&self, session: SessionId) {
        self.note_all([session]);
    }

    /// Remembers the ends of sessions, and wakes the sockets if one is new.
    fn note_all(&self, sessions: impl IntoIterator<Item = SessionId>) {
        let until = self.clock.now() + self.keep;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut any_new = false;
        for session in sessions {
            state.live.remove(&session);
            any_new |= state.ended.insert(session, until).is_none();
        }
        drop(state);
        if any_new {
            self.ends.send_replace(());
        }
    }

    /// A read that began then has been noted.
    fn read_began(&self, at: DateTime<Utc>) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).read_at = Some(at);
    }

    /// Changes whenever a session has ended, here or on another replica. Ask [`Self::has_ended`] then.
    #[must_use]
    pub fn ends(&self) -> watch::Receiver<()> {
        self.ends.subscribe()
    }

    /// Whether this session is known to have ended. `false` proves nothing.
    #[must_use]
    pub fn has_ended(&self, session: SessionId) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).ended.contains_key(&session)
    }

    /// Follows the announcements until they end. One that is missed is found by the next read.
    pub async fn follow(&self, mut announcements: broadcast::Receiver<ListenerEvent>) {
        loop {
            match announcements.recv().await {
                Ok(ListenerEvent::Notification { channel, payload }) if *channel == *CHANNEL => {
                    if let Ok(session) = payload.parse() {
                        self.note(session);
                    }
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Forgets ended sessions that no live token can name.
    pub fn sweep(&self) {
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.ended.retain(|_, until| *until > now);
    }
}

impl State {
    /// An end that came in since the database was asked is in `ended`, which counts first.
    fn remember(&mut self, session: SessionId, user: UserId) {
        if self.live.len() >= MAX_REMEMBERED {
            self.live.clear();
        }
        self.live.insert(session, user);
    }

    fn is_current(&self, now: DateTime<Utc>) -> bool {
        // A clock that was turned back proves nothing either.
        self.read_at.is_some_and(|read_at| (TimeDelta::zero()..MAX_AGE).contains(&(now - read_at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembered_sessions_are_bounded() {
        let (mut state, user) = (State::default(), UserId::new());
        for _ in 0..=MAX_REMEMBERED {
            state.remember(SessionId::new(), user);
        }
        assert_eq!(state.live.len(), 1);
    }

    #[test]
    fn memory_counts_for_two_seconds_after_a_read() {
        let read_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let state = State { read_at: Some(read_at), ..State::default() };
        let counts = |milliseconds| state.is_current(read_at + TimeDelta::milliseconds(milliseconds));
        assert_eq!([-1, 0, 1_999, 2_000].map(counts), [false, true, true, false]);
        assert!(!State::default().is_current(read_at), "nothing was read");
    }
}
