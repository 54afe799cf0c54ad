//! SQL of the mail worker. The features queue mail with their own statements.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

/// A leased mail.
pub struct QueuedMail {
    pub id: Uuid,
    pub kind: String,
    pub recipient: String,
    /// The registration or password reset whose token the mail contains. In other mails: the user, or the alert.
    pub subject_id: Uuid,
    /// The id of the master key from which the token is derived. `None`: the mail contains no token.
    pub key_id: Option<Vec<u8>>,
    #[cfg_attr(not(feature = "dev"), expect(dead_code, reason = "names the files of development"))]
    pub created_at: DateTime<Utc>,
    /// The number of attempts, including the current one.
    pub attempts: i32,
}

/// Leases due mail until `lease_end`. `skip locked`: workers do not wait for each other and never lease the same row.
pub async fn lease(
    pool: &PgPool,
    now: DateTime<Utc>,
    lease_end: DateTime<Utc>,
    batch_size: i64,
    max_attempts: i32,
) -> Result<Vec<QueuedMail>, sqlx::Error> {
    sqlx::query_as!(
        QueuedMail,
        "update mail_outbox set attempts = attempts + 1, next_attempt_at = $2
         where id in (
             select id from mail_outbox
             where sent_at is null and next_attempt_at <= $1 and attempts < $4
             order by next_attempt_at limit $3 for update skip locked)
         returning id, kind, recipient, subject_id, key_id, created_at, attempts",
        now,
        lease_end,
        batch_size,
        max_attempts
    )
    .fetch_all(pool)
    .await
}

pub async fn mark_sent(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("update mail_outbox set sent_at = $2 where id = $1", id, now).execute(pool).await?;
    Ok(())
}

pub async fn postpone(pool: &PgPool, id: Uuid, until: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("update mail_outbox set next_attempt_at = $2 where id = $1", id, until).execute(pool).await?;
    Ok(())
}

pub async fn delete_old(pool: &PgPool, before: DateTime<Utc>, max_attempts: i32) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from mail_outbox where created_at < $1 and (sent_at is not null or attempts >= $2)",
        before,
        max_attempts
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The number and the age of undelivered mails.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    pub waiting: i64,
    /// Mails whose last attempt has failed. The sweep deletes them after some days.
    pub given_up: i64,
    /// The age of the oldest waiting mail.
    pub oldest_seconds: i64,
}

pub async fn backlog(pool: &PgPool, now: DateTime<Utc>, max_attempts: i32) -> Result<Backlog, sqlx::Error> {
    sqlx::query_as!(
        Backlog,
        r#"select count(*) filter (where attempts < $2) as "waiting!",
                count(*) filter (where attempts >= $2) as "given_up!",
                coalesce(extract(epoch from $1 - min(created_at) filter (where attempts < $2)), 0)::bigint as "oldest_seconds!"
         from mail_outbox where sent_at is null"#,
        now,
        max_attempts
    )
    .fetch_one(pool)
    .await
}
