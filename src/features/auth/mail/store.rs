//! The outbox's statements, apart from those that queue: these stand with their causes.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

/// A mail that this worker has taken.
pub struct Queued {
    pub id: Uuid,
    pub kind: String,
    pub recipient: String,
    /// The row that its token opens, or the user whom it is about.
    pub subject_id: Uuid,
    /// The master key of its token.
    pub key_id: Option<Vec<u8>>,
    pub created_at: DateTime<Utc>,
    /// Including the one that is being made.
    pub attempts: i32,
}

/// Takes what is due until `lease_end`. Two workers never wait for each other and never take the same row.
pub async fn take(
    pool: &PgPool,
    now: DateTime<Utc>,
    lease_end: DateTime<Utc>,
    at_most: i64,
    most_attempts: i32,
) -> Result<Vec<Queued>, sqlx::Error> {
    sqlx::query_as!(
        Queued,
        "update mail_outbox set attempts = attempts + 1, next_attempt_at = $2
         where id in (
             select id from mail_outbox
             where sent_at is null and next_attempt_at <= $1 and attempts < $4
             order by next_attempt_at limit $3 for update skip locked)
         returning id, kind, recipient, subject_id, key_id, created_at, attempts",
        now,
        lease_end,
        at_most,
        most_attempts
    )
    .fetch_all(pool)
    .await
}

pub async fn sent(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("update mail_outbox set sent_at = $2 where id = $1", id, now).execute(pool).await?;
    Ok(())
}

pub async fn postpone(pool: &PgPool, id: Uuid, until: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("update mail_outbox set next_attempt_at = $2 where id = $1", id, until).execute(pool).await?;
    Ok(())
}

pub async fn forget(pool: &PgPool, before: DateTime<Utc>, most_attempts: i32) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from mail_outbox where created_at < $1 and (sent_at is not null or attempts >= $2)",
        before,
        most_attempts
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// What has not been delivered.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    pub waiting: i64,
    /// After the last attempt; they are forgotten after some days.
    pub given_up: i64,
    /// How long the oldest of those that wait has waited.
    pub oldest_seconds: i64,
}

pub async fn backlog(pool: &PgPool, now: DateTime<Utc>, most_attempts: i32) -> Result<Backlog, sqlx::Error> {
    sqlx::query_as!(
        Backlog,
        r#"select count(*) filter (where attempts < $2) as "waiting!",
                count(*) filter (where attempts >= $2) as "given_up!",
                coalesce(extract(epoch from $1 - min(created_at) filter (where attempts < $2)), 0)::bigint as "oldest_seconds!"
         from mail_outbox where sent_at is null"#,
        now,
        most_attempts
    )
    .fetch_one(pool)
    .await
}
