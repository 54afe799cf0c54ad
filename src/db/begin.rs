//! A transaction begins whole or not at all.
//!
//! sqlx knows of a transaction once PostgreSQL has answered BEGIN. A request that ends before (its client has gone) would give its
//! connection back to the pool inside a transaction that nobody ends, and the next request would write into it. So BEGIN has a task
//! of its own, which nothing cuts short: what nobody waits for any more is rolled back there.

use sqlx::postgres::PgTransaction;
use sqlx::{PgPool, SqlSafeStr, SqlStr};
use tracing::Instrument;

/// Begins.
///
/// # Errors
/// No connection within the pool's time, or the database is gone.
pub async fn begin(pool: &PgPool) -> Result<PgTransaction<'static>, sqlx::Error> {
    begin_with(pool, "begin".into_sql_str()).await
}

/// Begins by this statement.
///
/// # Errors
/// As [`begin`].
#[allow(clippy::disallowed_methods, reason = "this is the one place, and it says why")]
pub async fn begin_with(pool: &PgPool, statement: SqlStr) -> Result<PgTransaction<'static>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await }.in_current_span());
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}
