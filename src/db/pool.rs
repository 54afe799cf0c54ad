//! The connection pool. Connections, waiting times and statement times are bounded, so that a slow or lost database causes quick
//! 503 replies and no hanging requests.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};

/// The limits of the pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// Maximum number of connections.
    pub max_connections: u32,
    /// How long a request waits for a connection before its 503.
    pub acquire_timeout: Duration,
    /// How long a statement may run before PostgreSQL cancels it.
    pub statement_timeout: Duration,
}

/// A connection that was idle for longer is checked before use. If a more recently used one is lost, its request receives 503.
const PING_AFTER_IDLE: Duration = Duration::from_secs(1);

/// Creates a pool that connects on first use.
#[must_use]
pub fn connect_lazily(options: PgConnectOptions, limits: PoolLimits) -> PgPool {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    let options = options.application_name("strongroom").options([
        ("statement_timeout", milliseconds(limits.statement_timeout)),
        ("lock_timeout", milliseconds(limits.statement_timeout / 2)),
        // An abandoned transaction must not keep its locks.
        ("idle_in_transaction_session_timeout", milliseconds(limits.statement_timeout * 2)),
    ]);
    PgPoolOptions::new()
        // sqlx would ping before each request: one more round trip.
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for > PING_AFTER_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .max_connections(limits.max_connections)
        .acquire_timeout(limits.acquire_timeout)
        .connect_lazy_with(options)
}
