//! The pool: bounded in connections, in waiting and in the time of a statement, so that a slow or lost database
//! becomes a quick 503 and never a request that hangs.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// How many connections, and how long anything may wait.
#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// At most so many connections at once.
    pub max_connections: u32,
    /// How long a request waits for a connection before it is refused with 503.
    pub acquire_timeout: Duration,
    /// How long one statement may run before PostgreSQL ends it.
    pub statement_timeout: Duration,
}

/// A pool that connects when it is first used.
#[must_use]
pub fn connect_lazily(options: PgConnectOptions, limits: PoolLimits) -> PgPool {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    let options = options.application_name("strongroom").options([
        ("statement_timeout", milliseconds(limits.statement_timeout)),
        ("lock_timeout", milliseconds(limits.statement_timeout / 2)),
        // A transaction that its request forgot must not hold its locks.
        ("idle_in_transaction_session_timeout", milliseconds(limits.statement_timeout * 2)),
    ]);
    PgPoolOptions::new()
        .max_connections(limits.max_connections)
        .acquire_timeout(limits.acquire_timeout)
        .connect_lazy_with(options)
}
