//! Counters with a fixed time window, for detection rules, mail budgets, and reads of events by administrators.
//! The counters are in PostgreSQL, so that all replicas share them.
//!
//! The first event begins a window. Later events do not extend it.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool};

pub struct Increment {
    pub kind: &'static str,
    pub key: String,
    pub by: i64,
    /// The end of the window, if this increment begins a new window.
    pub window_ends_at: DateTime<Utc>,
}

pub struct Counter {
    pub kind: String,
    pub key: String,
    pub count: i64,
}

/// Increments counters and returns their new state. Parallel requests get different counts.
/// The rows are sorted, because statements that lock rows in different orders can deadlock.
pub async fn add(
    executor: impl PgExecutor<'_>,
    increments: &[Increment],
    now: DateTime<Utc>,
) -> Result<Vec<Counter>, sqlx::Error> {
    let kinds: Vec<String> = increments.iter().map(|one| one.kind.to_owned()).collect();
    let keys: Vec<String> = increments.iter().map(|one| one.key.clone()).collect();
    let numbers: Vec<i64> = increments.iter().map(|one| one.by).collect();
    let ends: Vec<DateTime<Utc>> = increments.iter().map(|one| one.window_ends_at).collect();
    sqlx::query_as!(
        Counter,
        "insert into counters as known (kind, key, count, expires_at)
         select kind, key, count, expires_at
         from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[]) as added (kind, key, count, expires_at)
         order by kind, key
         on conflict (kind, key) do update set
             count = case when known.expires_at <= $5 then excluded.count else known.count + excluded.count end,
             expires_at = case when known.expires_at <= $5 then excluded.expires_at else known.expires_at end
         returning kind, key, count",
        &kinds,
        &keys,
        &numbers,
        &ends,
        now
    )
    .fetch_all(executor)
    .await
}

/// Deletes the counters whose window ended before this time.
pub async fn sweep(pool: &PgPool, ended_before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from counters where expires_at <= $1", ended_before).execute(pool).await?;
    Ok(())
}
