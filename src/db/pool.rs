//! The connection pool. The number of connections, the waiting time and the time of a statement are bounded. So a slow
//! or lost database causes quick 503 replies instead of hanging requests.

use std::io;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{Connection, PgPool};
use tokio::time::timeout;

/// The limits of the pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// Maximum number of connections.
    pub max_connections: u32,
    /// How long a request waits for a connection before it is refused with 503.
    pub acquire_timeout: Duration,
    /// How long a statement may run before PostgreSQL cancels it.
    pub statement_timeout: Duration,
}

/// A connection that was idle for longer is checked before use. A check costs a round trip, so a connection that was
/// used more recently is not checked. If such a connection is lost, the request receives 503.
const PING_AFTER_IDLE: Duration = Duration::from_secs(1);

/// The timeout of connecting apart from the pool. A busy database may need long to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Creates a pool that connects on first use.
#[must_use]
pub fn connect_lazily(options: PgConnectOptions, limits: PoolLimits) -> PgPool {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    let options = options.application_name("strongroom").options([
        ("statement_timeout", milliseconds(limits.statement_timeout)),
        ("lock_timeout", milliseconds(limits.statement_timeout / 2)),
        // PostgreSQL ends an abandoned transaction, so that it does not keep its locks.
        ("idle_in_transaction_session_timeout", milliseconds(limits.statement_timeout * 2)),
    ]);
    PgPoolOptions::new()
        // By default, sqlx checks a connection before each use, which costs a round trip. `before_acquire` checks only
        // idle ones.
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

/// Opens a connection that does not belong to the pool, for a worker that must not wait for the pool under load.
/// `pg_stat_activity` shows the connection under `name`.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn connect_apart(pool: &PgPool, name: &str) -> Result<PgConnection, sqlx::Error> {
    let options = pool.connect_options().as_ref().clone().application_name(name);
    timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options)).await.map_err(io::Error::from)?
}
