//! Exhausted database disk or memory (CWE-770, API4:2023).
//!
//! **Attack**: a client fills the database's disk, or the disk fills over time.
//! **Control**: if a write fails because disk or memory is exhausted, the request gets 503.
//! Reads still work, so the service remains ready. `/status` on the management port reports "degraded"
//! (`app/management.rs`). The service recovers without a restart.
//! **Limits**: quotas limit what one owner can store, but not what all owners together can store.
//! **ASVS**: 15.2.2, 16.5.2 · **Test**: `attacks::limits::full_disk`

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;

use crate::base::clock::Clock;

/// If [`is_exhausted`] has recognized no error for this time, the database counts as recovered.
const RECOVERY_TIME: TimeDelta = TimeDelta::minutes(1);

/// Returns whether disk or memory of the database is exhausted: SQLSTATE 53100 (`disk_full`), 53200 (`out_of_memory`)
/// or 53400 (`configuration_limit_exceeded`). 53300 (`too_many_connections`) is temporary, so it does not count.
#[must_use]
pub fn is_exhausted(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("53100" | "53200" | "53400"))
}

/// The time of the last error that [`is_exhausted`] recognized. All clones share this time.
#[derive(Clone, Debug)]
pub struct Exhaustion {
    clock: Clock,
    /// Milliseconds since 1970, or 0 if there was no error.
    last: Arc<AtomicI64>,
}

impl Exhaustion {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, last: Arc::default() }
    }

    pub fn record(&self) {
        let before = self.is_current();
        self.last.store(self.clock.now().timestamp_millis(), Ordering::Relaxed);
        if !before {
            tracing::error!("database is out of disk or memory; writes fail");
        }
    }

    #[must_use]
    pub fn is_current(&self) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        self.clock.now().timestamp_millis() - last < RECOVERY_TIME.num_milliseconds()
    }
}
