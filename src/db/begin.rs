//! Runs BEGIN in its own task, so that a cancelled request cannot leave a transaction open.
//!
//! sqlx registers a transaction only when PostgreSQL has answered BEGIN.
//! If the client disconnects before this, the request is cancelled, and its connection would return to the pool inside
//! an open transaction. The next request would then write into this transaction.
//! In its own task, BEGIN always completes. If the request no longer exists, the task rolls the transaction back.

use sqlx::postgres::PgTransaction;
use sqlx::{PgPool, SqlSafeStr, SqlStr};
use tracing::Instrument;

/// Begins a transaction.
///
/// # Errors
/// [`sqlx::Error`] if no connection becomes free in time, or if the database is unavailable.
pub async fn begin(pool: &PgPool) -> Result<PgTransaction<'static>, sqlx::Error> {
    begin_with(pool, "begin".into_sql_str()).await
}

/// Begins a transaction by this statement, which may also change settings of the transaction.
///
/// # Errors
/// Returns the same errors as [`begin`].
#[allow(clippy::disallowed_methods, reason = "the only caller; see the module head")]
pub async fn begin_with(pool: &PgPool, statement: SqlStr) -> Result<PgTransaction<'static>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await }.in_current_span());
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}
