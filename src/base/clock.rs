//! The only place that reads the current time, so that a test can turn it and every rule about time can be tried.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// The time, as a value that is passed in. Clones share one clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    turned_by_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Now, in UTC, in the microseconds that PostgreSQL keeps.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one reader of the time")]
    pub fn now(&self) -> DateTime<Utc> {
        let turned = TimeDelta::milliseconds(self.turned_by_ms.load(Ordering::Relaxed));
        let now = Utc::now() + turned;
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }

    /// Turns this clock, and every clone of it, forward (or back).
    pub fn turn(&self, by: TimeDelta) {
        self.turned_by_ms.fetch_add(by.num_milliseconds(), Ordering::Relaxed);
    }
}
