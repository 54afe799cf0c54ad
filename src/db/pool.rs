//! The pool: bounded in connections, in waiting and in the time of a statement, so that a slow or lost database
//! becomes a quick 503 and never a request that hangs.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};

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

/// A connection that was used a moment ago is taken to be there. One that is not costs its request a 503.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

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
        // sqlx would ask each connection before each request whether it is there: a round trip more.
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .max_connections(limits.max_connections)
        .acquire_timeout(limits.acquire_timeout)
        .connect_lazy_with(options)
}
