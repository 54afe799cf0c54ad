//! Transactional outbox: mail, alert messages and stored files to delete wait in one table.
//!
//! A message is queued in the transaction of its cause: it is neither lost nor sent for work that was rolled back. Each
//! replica has a [worker](OutboxWorker) per queue. The worker claims the oldest due message with a lease, delivers it,
//! and records the result. Workers skip locked rows, so they neither wait for each other nor deliver the same message
//! at once. If a process is killed, its lease expires and another worker delivers the message again (at least once).

mod worker;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::Uuid;

pub use worker::{Consumer, Notifier, OutboxWorker};

/// How long a claimed message belongs to its worker. This must be longer than a delivery may take, or a second worker
/// would deliver the message too.
pub const LEASE: TimeDelta = TimeDelta::seconds(30);

/// How long ended messages are kept, for operators.
const RETENTION: TimeDelta = TimeDelta::days(7);

/// A claimed message. Each queue uses only some of the columns; the migration of the table says which.
pub struct QueuedMessage {
    pub id: Uuid,
    pub kind: String,
    pub recipient: String,
    pub subject_id: Option<Uuid>,
    pub key_id: Option<Vec<u8>>,
    pub alert_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    /// The number of attempts, including the current one.
    pub attempts: i32,
}

/// Claims the oldest due message of a queue.
async fn claim(pool: &PgPool, queue: &str, now: DateTime<Utc>) -> Result<Option<QueuedMessage>, sqlx::Error> {
    sqlx::query_as!(
        QueuedMessage,
        "update outbox set attempts = attempts + 1, next_attempt_at = $3
         where id = (
             select id from outbox
             where queue = $1 and next_attempt_at <= $2 and done_at is null and given_up_at is null
             order by next_attempt_at limit 1 for update skip locked)
         returning id, kind, recipient, subject_id, key_id, alert_id, created_at, attempts",
        queue,
        now,
        now + LEASE
    )
    .fetch_optional(pool)
    .await
}

/// Claims this message before it is due. Waits for a transaction that holds the row. Returns false if the row is gone.
pub async fn claim_one(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let claimed = sqlx::query!(
        "update outbox set attempts = attempts + 1, next_attempt_at = $2
         where id = $1 and done_at is null and given_up_at is null",
        id,
        now + LEASE
    );
    Ok(claimed.execute(pool).await?.rows_affected() == 1)
}

pub async fn mark_done(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("update outbox set done_at = $2 where id = $1 and given_up_at is null", id, now).execute(pool).await?;
    Ok(())
}

/// Schedules the next attempt after `delay` and up to half of it more, so that replicas do not retry in lockstep.
async fn postpone(pool: &PgPool, id: Uuid, now: DateTime<Utc>, delay: u32) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update outbox set next_attempt_at = $2::timestamptz + make_interval(secs => $3 * (1 + random() / 2)) where id = $1",
        id,
        now,
        f64::from(delay)
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Gives up a message. Returns whether this call did it: if two workers give up the same message, only one of them
/// reports it.
async fn give_up(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let given_up = sqlx::query!(
        "update outbox set given_up_at = $2 where id = $1 and done_at is null and given_up_at is null",
        id,
        now
    );
    Ok(given_up.execute(pool).await?.rows_affected() == 1)
}

/// Numbers of undelivered messages.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    pub waiting: i64,
    /// Messages whose last attempt failed. They are deleted after some days.
    pub given_up: i64,
    /// The age of the oldest waiting message.
    pub oldest_seconds: i64,
}

/// Returns the numbers of undelivered messages of a queue.
pub async fn backlog(pool: &PgPool, queue: &str, now: DateTime<Utc>) -> Result<Backlog, sqlx::Error> {
    sqlx::query_as!(
        Backlog,
        r#"select count(*) filter (where given_up_at is null) as "waiting!",
                count(*) filter (where given_up_at is not null) as "given_up!",
                coalesce(extract(epoch from $2 - min(created_at) filter (where given_up_at is null)), 0)::bigint
                    as "oldest_seconds!"
         from outbox where queue = $1 and done_at is null"#,
        queue,
        now
    )
    .fetch_one(pool)
    .await
}

/// Deletes old messages that were delivered or given up.
pub async fn sweep(pool: &PgPool, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from outbox where created_at < $1 and (done_at is not null or given_up_at is not null)",
        now - RETENTION
    )
    .execute(pool)
    .await?;
    Ok(())
}
