//! Runs BEGIN in its own task, so that a cancelled request cannot leave a transaction open.
//!
//! sqlx knows that a transaction is open only after PostgreSQL has answered BEGIN.
//! If the client disconnects before the answer, the request is cancelled.
//! sqlx would then return the connection to the pool with an open transaction. The next request would write into it.
//! In its own task, BEGIN always completes. If the request has been cancelled, the task rolls the transaction back.

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

/// Begins a transaction with this statement, which can also contain settings of the transaction.
///
/// # Errors
/// Returns the same errors as [`begin`].
#[allow(clippy::disallowed_methods, reason = "only this function begins transactions; see the module head")]
pub async fn begin_with(pool: &PgPool, statement: SqlStr) -> Result<PgTransaction<'static>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await }.in_current_span());
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}
