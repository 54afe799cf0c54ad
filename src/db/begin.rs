//! Runs BEGIN in its own task, so that a cancelled request cannot leave a transaction open.
//!
//! Until PostgreSQL has answered BEGIN, sqlx does not know that a transaction is open.
//! If the client disconnects before the answer, the request is cancelled, and sqlx puts the connection into the pool.
//! The next request would then write into the open transaction.
//! In its own task, BEGIN always completes, and the task rolls back the transaction of a cancelled request.

use sqlx::postgres::PgTransaction;
use sqlx::{PgPool, SqlSafeStr, SqlStr};
use tracing::Instrument;

/// Begins a transaction.
pub async fn begin(pool: &PgPool) -> Result<PgTransaction<'static>, sqlx::Error> {
    begin_with(pool, "begin".into_sql_str()).await
}

/// Begins a transaction with this statement, which can also contain settings of the transaction.
#[allow(clippy::disallowed_methods, reason = "only this function begins transactions; see the module head")]
pub async fn begin_with(pool: &PgPool, statement: SqlStr) -> Result<PgTransaction<'static>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await }.in_current_span());
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}
