//! SQL of mail budgets.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// Counts one mail and returns the number in the current window. The row is locked, so parallel requests cannot exceed
/// a budget.
pub async fn add(
    pool: &PgPool,
    key: &[u8; 32],
    now: DateTime<Utc>,
    window_ends_at: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into mail_budgets as known (key, mails, expires_at) values ($1, 1, $3)
         on conflict (key) do update set
             mails = case when known.expires_at <= $2 then 1 else known.mails + 1 end,
             expires_at = case when known.expires_at <= $2 then excluded.expires_at else known.expires_at end
         returning mails",
        key,
        now,
        window_ends_at
    )
    .fetch_one(pool)
    .await
}

pub async fn sweep(pool: &PgPool, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from mail_budgets where expires_at <= $1", now).execute(pool).await?;
    Ok(())
}
