//! The time of the last use of each session. If a user has too many sessions, the least recently used one ends.
//!
//! The times are collected in memory and written once a minute, because a write per request would cost too much.
//! If the process is killed, the uses of the last minute are lost.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use sqlx::PgPool;

use super::store;
use crate::base::clock::Clock;
use crate::base::id::SessionId;

const WRITE_INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// How often [`LastUses::run`] checks whether a minute has passed on the service's clock, which tests can change.
const TICK: Duration = Duration::from_secs(1);

pub struct LastUses {
    pool: PgPool,
    clock: Clock,
    unwritten: Mutex<HashMap<SessionId, DateTime<Utc>>>,
}

impl LastUses {
    pub(super) fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock, unwritten: Mutex::default() }
    }

    pub fn record(&self, session: SessionId) {
        self.unwritten.lock().insert(session, self.clock.now());
    }

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

    /// Writes the recorded times to the database. If this fails, the next call writes them.
    pub async fn write(&self) {
        let uses = std::mem::take(&mut *self.unwritten.lock());
        if uses.is_empty() {
            return;
        }
        if let Err(error) = store::save_last_uses(&self.pool, &uses).await {
            tracing::warn!(%error, sessions = uses.len(), "failed to write the last uses of sessions");
            let mut unwritten = self.unwritten.lock();
            for (session, at) in uses {
                unwritten.entry(session).or_insert(at);
            }
        }
    }
}
