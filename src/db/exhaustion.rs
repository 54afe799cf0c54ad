//! Exhausted database disk or memory (CWE-770, API4:2023).
//!
//! **Attack**: a client fills the database's disk, or the disk fills over time.
//! **Control**: a write that fails for lack of disk or memory receives 503, and reads still work. So the service stays
//! ready. The management port, which does not use the database, reports "degraded" (`app/management.rs`). The service
//! recovers without a restart.
//! **Limits**: quotas limit what one owner can store, but not the total of all owners.
//! **ASVS**: 15.2.2, 16.5.2 · **Test**: `attacks::limits::full_disk`

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;

use crate::base::clock::Clock;

/// If no further error occurs for this long, the database counts as recovered.
const RECOVERY_TIME: TimeDelta = TimeDelta::minutes(1);

/// Returns whether the SQLSTATE is 53100 (`disk_full`), 53200 (`out_of_memory`) or 53400
/// (`configuration_limit_exceeded`). 53300 (`too_many_connections`) is excluded, because it is temporary.
#[must_use]
pub fn is_exhausted(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("53100" | "53200" | "53400"))
}

/// The time of the last error that was caused by a lack of disk or memory. All clones share the time.
#[derive(Clone, Debug)]
pub struct Exhaustion {
    clock: Clock,
    /// Milliseconds since 1970; 0 for never.
    last: Arc<AtomicI64>,
}

impl Exhaustion {
    /// Creates the state without an error.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, last: Arc::default() }
    }

    /// Records that a statement has just failed because the database lacks disk or memory.
    pub fn record(&self) {
        let before = self.is_current();
        self.last.store(self.clock.now().timestamp_millis(), Ordering::Relaxed);
        if !before {
            tracing::error!("database is out of disk or memory; writes fail");
        }
    }

    /// Returns whether a statement failed for lack of disk or memory within the last minute.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        self.clock.now().timestamp_millis() - last < RECOVERY_TIME.num_milliseconds()
    }
}
