//! The counters' statements: one to decide, one to count, one to clear.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::Attempt;
use crate::config::{LoginSettings, Rate};

/// Failures in the running window.
#[derive(Clone, Copy, Default)]
pub struct Counter {
    failures: i64,
    until: Option<DateTime<Utc>>,
}

impl Counter {
    /// When the window ends, if its budget is used up.
    pub fn full(self, limit: u32) -> Option<DateTime<Utc>> {
        self.until.filter(|_| self.failures >= i64::from(limit))
    }
}

#[derive(Default)]
pub struct Counted {
    pub account: Counter,
    pub address: Counter,
    pub pair: Counter,
}

pub async fn read(pool: &PgPool, attempt: &Attempt, now: DateTime<Utc>) -> Result<Counted, sqlx::Error> {
    let rows = sqlx::query!(
        "select kind, failures, expires_at from failed_sign_ins
         where ((kind = 'account' and key = $1) or (kind = 'address' and key = $2) or (kind = 'pair' and key = $3))
           and expires_at > $4",
        &attempt.account,
        &attempt.address,
        &attempt.pair,
        now
    )
    .fetch_all(pool)
    .await?;
    let mut counted = Counted::default();
    for row in rows {
        let counter = Counter { failures: row.failures, until: Some(row.expires_at) };
        match row.kind.as_str() {
            "account" => counted.account = counter,
            "address" => counted.address = counter,
            _ => counted.pair = counter,
        }
    }
    Ok(counted)
}

/// Adds one to each counter and returns the account's. The kinds are always locked in the same order, so two attempts cannot
/// wait for each other.
pub async fn count(
    pool: &PgPool,
    attempt: &Attempt,
    settings: &LoginSettings,
    now: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    let end = |rate: Rate| now + rate.window;
    sqlx::query_scalar!(
        r#"with counted as (
               insert into failed_sign_ins as known (kind, key, failures, expires_at)
               values ('account', $1, 1, $5), ('address', $2, 1, $6), ('pair', $3, 1, $7)
               on conflict (kind, key) do update set
                   failures = case when known.expires_at <= $4 then 1 else known.failures + 1 end,
                   expires_at = case when known.expires_at <= $4 then excluded.expires_at else known.expires_at end
               returning kind, failures
           )
           select failures as "failures!" from counted where kind = 'account'"#,
        &attempt.account,
        &attempt.address,
        &attempt.pair,
        now,
        end(settings.failures_per_account),
        end(settings.failures_per_address),
        end(settings.failures_per_pair),
    )
    .fetch_one(pool)
    .await
}

/// Clears the pair if no budget is used up. Returns whether that was so.
pub async fn clear_pair(
    pool: &PgPool,
    attempt: &Attempt,
    settings: &LoginSettings,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"with full_now as (
               select from failed_sign_ins
               where expires_at > $4 and (
                   (kind = 'account' and key = $1 and failures >= $5)
                   or (kind = 'address' and key = $2 and failures >= $6)
                   or (kind = 'pair' and key = $3 and failures >= $7))
           ), cleared as (
               delete from failed_sign_ins where kind = 'pair' and key = $3 and not exists (select from full_now)
           )
           select not exists (select from full_now) as "open!""#,
        &attempt.account,
        &attempt.address,
        &attempt.pair,
        now,
        i64::from(settings.failures_per_account.count),
        i64::from(settings.failures_per_address.count),
        i64::from(settings.failures_per_pair.count),
    )
    .fetch_one(pool)
    .await
}

pub async fn forgive(pool: &PgPool, attempt: &Attempt) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from failed_sign_ins where (kind = 'account' and key = $1) or (kind = 'pair' and key = $2)",
        &attempt.account,
        &attempt.pair
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn sweep(pool: &PgPool, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from failed_sign_ins where expires_at <= $1", now).execute(pool).await?;
    Ok(())
}
