//! Runs BEGIN in its own task, so that cancellation cannot leak a transaction.
//!
//! sqlx registers a transaction after PostgreSQL has answered BEGIN. Suppose that a request is cancelled before that,
//! because its client disconnected. Its connection would return to the pool inside an open transaction, and the next request would
//! write into that transaction.
//! The task completes BEGIN and rolls back if the request is gone.

use sqlx::postgres::PgTransaction;
use sqlx::{PgPool, SqlSafeStr, SqlStr};
use tracing::Instrument;

/// Begins a transaction.
///
/// # Errors
/// No connection was free in time, or the database is unavailable.
pub async fn begin(pool: &PgPool) -> Result<PgTransaction<'static>, sqlx::Error> {
    begin_with(pool, "begin".into_sql_str()).await
}

/// Begins a transaction with this statement.
///
/// # Errors
/// As [`begin`].
#[allow(clippy::disallowed_methods, reason = "the only caller; see the module head")]
pub async fn begin_with(pool: &PgPool, statement: SqlStr) -> Result<PgTransaction<'static>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await }.in_current_span());
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}
