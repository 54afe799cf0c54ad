//! When sessions were last used: the limit on sessions of a user ends the one that was unused longest.
//!
//! A write for each request would cost more than most requests. Uses are collected in memory and written together once a
//! minute, so the database knows the last use to the minute. A process that is killed loses a minute's uses at most.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use super::store;
use crate::base::clock::Clock;
use crate::base::id::SessionId;

const WRITE_INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(1);

/// Collects the last uses of sessions.
pub struct LastUses {
    pool: PgPool,
    clock: Clock,
    unwritten: Mutex<HashMap<SessionId, DateTime<Utc>>>,
}

impl LastUses {
    pub(super) fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock, unwritten: Mutex::default() }
    }

    /// Notes that this session is used now.
    pub fn note(&self, session: SessionId) {
        self.lock().insert(session, self.clock.now());
    }

    /// Writes what was noted, once a minute. Never returns.
    pub async fn run(&self) {
        let (mut tick, mut written_at) = (tokio::time::interval(TICK), self.clock.now());
        loop {
            tick.tick().await;
            let now = self.clock.now();
            if now - written_at >= WRITE_INTERVAL {
                written_at = now;
                self.write().await;
            }
        }
    }

    /// Writes what was noted. What cannot be written waits for the next time.
    pub async fn write(&self) {
        let uses = std::mem::take(&mut *self.lock());
        if uses.is_empty() {
            return;
        }
        if let Err(error) = store::keep_last_uses(&self.pool, &uses).await {
            tracing::warn!(%error, sessions = uses.len(), "failed to write the last uses of sessions");
            let mut unwritten = self.lock();
            for (session, at) in uses {
                unwritten.entry(session).or_insert(at);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, DateTime<Utc>>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
