//! SQL of the rules' counters.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

/// The events to add to one counter.
pub struct Addition {
    pub rule: &'static str,
    pub about: String,
    pub events: i64,
    /// The end of the window, if this addition starts a new window.
    pub window_ends_at: DateTime<Utc>,
}

/// A counter after the addition.
pub struct Counter {
    pub rule: String,
    pub about: String,
    pub counted: i64,
}

/// Adds events to the counters. Rows are locked in a fixed order, so replicas cannot deadlock.
pub async fn add(
    connection: &mut PgConnection,
    additions: &[Addition],
    now: DateTime<Utc>,
) -> Result<Vec<Counter>, sqlx::Error> {
    let rules: Vec<String> = additions.iter().map(|one| one.rule.to_owned()).collect();
    let abouts: Vec<String> = additions.iter().map(|one| one.about.clone()).collect();
    let events: Vec<i64> = additions.iter().map(|one| one.events).collect();
    let ends: Vec<DateTime<Utc>> = additions.iter().map(|one| one.window_ends_at).collect();
    sqlx::query_as!(
        Counter,
        "insert into abuse_counters as known (rule, about, counted, expires_at)
         select rule, about, counted, expires_at
         from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[]) as added (rule, about, counted, expires_at)
         order by rule, about
         on conflict (rule, about) do update set
             counted = case when known.expires_at <= $5 then excluded.counted else known.counted + excluded.counted end,
             expires_at = case when known.expires_at <= $5 then excluded.expires_at else known.expires_at end
         returning rule, about, counted",
        &rules,
        &abouts,
        &events,
        &ends,
        now
    )
    .fetch_all(connection)
    .await
}

pub async fn sweep(pool: &PgPool, before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from abuse_counters where expires_at <= $1", before).execute(pool).await?;
    Ok(())
}
