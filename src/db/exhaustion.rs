//! Whether the database lacks disk or memory. Then every write fails and reads work, so the service stays ready: it is
//! degraded, and the operator must hear of it by a way that needs no database (`app/management.rs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;

use crate::base::clock::Clock;

/// How long one refusal counts. With no other until then, the database has recovered.
const REMEMBERED: TimeDelta = TimeDelta::minutes(1);

/// SQLSTATE 53100 (`disk_full`), 53200 (`out_of_memory`) or 53400 (`configuration_limit_exceeded`). Not 53300: too many
/// connections pass by themselves.
#[must_use]
pub fn is_exhausted(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("53100" | "53200" | "53400"))
}

/// When a statement was last refused for lack of disk or memory. Clones share it.
#[derive(Clone, Debug)]
pub struct Exhaustion {
    clock: Clock,
    /// In milliseconds since 1970; 0 for never.
    last: Arc<AtomicI64>,
}

impl Exhaustion {
    /// Never yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, last: Arc::default() }
    }

    /// A statement was refused now.
    pub fn note(&self) {
        let before = self.is_current();
        self.last.store(self.clock.now().timestamp_millis(), Ordering::Relaxed);
        if !before {
            tracing::error!("the database lacks disk or memory: writes are refused");
        }
    }

    /// Whether a statement was refused within the last minute.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        self.clock.now().timestamp_millis() - last < REMEMBERED.num_milliseconds()
    }
}
