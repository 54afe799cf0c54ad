//! The connection pool limits the number of connections, the wait for a connection, and the time of a statement.
//! So if the database is slow or unavailable, requests get 503 quickly.

use std::io;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{Connection, PgPool};
use tokio::time::timeout;

#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    pub max_connections: u32,
    /// How long a request may wait for a connection, before it is refused with 503.
    pub acquire_timeout: Duration,
    /// How long a statement may run before PostgreSQL cancels it.
    pub statement_timeout: Duration,
}

/// A connection that was idle for longer than this is checked before a request gets it, at the cost of a round trip.
/// If an unchecked connection is lost, the request gets 503.
const PING_AFTER_IDLE: Duration = Duration::from_secs(1);

/// The timeout for a connection outside of the pool. It is long, because a busy database accepts connections slowly.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Adds the timeouts that PostgreSQL enforces in each database session.
#[must_use]
pub fn with_timeouts(options: PgConnectOptions, statement_timeout: Duration) -> PgConnectOptions {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    options.application_name("strongroom").options([
        ("statement_timeout", milliseconds(statement_timeout)),
        ("lock_timeout", milliseconds(statement_timeout / 2)),
        // Ends an abandoned transaction, so that its locks are released.
        ("idle_in_transaction_session_timeout", milliseconds(statement_timeout * 2)),
    ])
}

/// Returns whether the connection has all timeouts. A connection pooler can drop the options of [`with_timeouts`].
pub async fn has_timeouts(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select bool_and(current_setting(name) <> '0') as "all!"
           from unnest(array['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) as name"#
    )
    .fetch_one(connection)
    .await
}

/// Creates a pool, which connects when a request needs a connection.
#[must_use]
pub fn connect_lazily(options: PgConnectOptions, limits: PoolLimits) -> PgPool {
    let options = with_timeouts(options, limits.statement_timeout);
    PgPoolOptions::new()
        // By default, sqlx checks each connection before use. `before_acquire` checks only connections that were idle.
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

/// Opens a connection outside of the pool, for a worker that must not wait for the pool under load.
/// `name` identifies the connection in `pg_stat_activity`.
pub async fn connect_apart(pool: &PgPool, name: &str) -> Result<PgConnection, sqlx::Error> {
    let options = pool.connect_options().as_ref().clone().application_name(name);
    timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options)).await.map_err(io::Error::from)?
}
