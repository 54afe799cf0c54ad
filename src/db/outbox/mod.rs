//! Transactional outbox: one table stores the work that follows a transaction.
//! Each row is a message for a worker: send this mail, send this alert, or delete this stored file.
//!
//! The transaction that causes a message inserts it, so a commit cannot lose a message, and a rollback leaves none.
//! Each replica has one [worker](OutboxWorker) per queue.
//! The worker claims the oldest due message for the time of a lease, delivers it, and records the result.
//! Workers skip locked rows, so two workers never claim the same message.
//! If a process is killed, its lease expires, and another worker delivers the message again (at least once).

mod worker;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::Uuid;

pub use worker::{Consumer, Notifier, OutboxWorker};

/// How long a claimed message belongs to its worker. The lease must be longer than the timeout of a delivery.
/// Otherwise another worker could claim a message that is still being delivered.
pub const LEASE: TimeDelta = TimeDelta::seconds(30);

/// How long operators can read a delivered or given-up message, counted from its creation.
const RETENTION: TimeDelta = TimeDelta::days(7);

/// A claimed message. Each queue uses some of the fields (`migrations/0017_outbox.sql`).
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

/// Claims this message before it is due. Returns `false` if it was already delivered or given up.
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

/// Schedules the next attempt after `delay` seconds and a random time of at most half of it (jitter).
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

/// Gives up a message. Returns whether this call changed the row, so that only one worker reports the failure.
async fn give_up(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let given_up = sqlx::query!(
        "update outbox set given_up_at = $2 where id = $1 and done_at is null and given_up_at is null",
        id,
        now
    );
    Ok(given_up.execute(pool).await?.rows_affected() == 1)
}

#[derive(Clone, Debug)]
pub struct Backlog {
    pub queue: String,
    pub waiting: i64,
    /// The number of messages that were given up after their final attempt.
    pub given_up: i64,
    /// The age in seconds of the oldest waiting message.
    pub oldest_seconds: i64,
}

/// Returns the backlog of one queue. Reads only the index entries of this queue, because other queues can be very long.
pub async fn backlog(pool: &PgPool, queue: &str, now: DateTime<Utc>) -> Result<Backlog, sqlx::Error> {
    sqlx::query_as!(
        Backlog,
        r#"select $1::text as "queue!", count(*) filter (where given_up_at is null) as "waiting!",
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

pub async fn backlogs(pool: &PgPool, now: DateTime<Utc>) -> Result<Vec<Backlog>, sqlx::Error> {
    sqlx::query_as!(
        Backlog,
        r#"select queue, count(*) filter (where given_up_at is null) as "waiting!",
                count(*) filter (where given_up_at is not null) as "given_up!",
                coalesce(extract(epoch from $1 - min(created_at) filter (where given_up_at is null)), 0)::bigint
                    as "oldest_seconds!"
         from outbox where done_at is null group by queue order by queue"#,
        now
    )
    .fetch_all(pool)
    .await
}

/// Deletes delivered and given-up messages that are older than [`RETENTION`].
pub async fn sweep(pool: &PgPool, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from outbox where created_at < $1 and (done_at is not null or given_up_at is not null)",
        now - RETENTION
    )
    .execute(pool)
    .await?;
    Ok(())
}
