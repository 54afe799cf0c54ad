//! Stores the replies of idempotent requests (`http/idempotency.rs`).
//! A reply is stored in the same transaction as the change that the request makes.
//!
//! **Lock order**: all idempotent requests lock rows in the same order, so that they cannot deadlock.
//! The order is: idempotency key, invoice, number counter, document, storage usage of the owner.
//! The check of a foreign key also locks a row. For example, inserting a document locks its invoice.
//!
//! Requests that delete an invoice or a customer, or move a document, have no idempotency key and can lock in another
//! order. If three or more such requests deadlock, PostgreSQL aborts one of them, and its client gets 503.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use super::exactly_one;
use crate::base::id::UserId;

pub const RETENTION: TimeDelta = TimeDelta::hours(24);

/// The SQLSTATE of a statement that has waited for a lock for `lock_timeout`.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// The maximum number of rows that one statement deletes, so that no statement holds its locks for long.
const SWEEP_BATCH: i64 = 1_000;

/// An idempotency key, with the owner, route and body for which it is valid.
pub struct Claim<'a> {
    pub owner: UserId,
    pub route: &'a str,
    pub key: &'a str,
    pub body: &'a [u8],
    pub now: DateTime<Utc>,
}

pub struct StoredAnswer {
    pub status: i32,
    pub location: String,
    pub etag: Option<String>,
    pub body: String,
}

pub enum ClaimOutcome {
    /// The key is new. The caller must execute the request and store its reply.
    New,
    /// The request was already executed. The caller must send this stored reply.
    Answered(StoredAnswer),
    /// The key was already used with a different body.
    DifferentBody,
    /// Another request with this key still runs after `lock_timeout`. PostgreSQL has aborted the waiting transaction.
    InProgress,
}

/// Claims the key by inserting its row, or by replacing an expired row.
/// If another open transaction has inserted the same key, the statement waits for its end.
pub async fn claim(connection: &mut PgConnection, claim: &Claim<'_>) -> Result<ClaimOutcome, sqlx::Error> {
    let claimed = sqlx::query!(
        "insert into idempotency_keys as known (owner_id, route, key, fingerprint, claimed_at)
         values ($1, $2, $3, sha256($4), $5)
         on conflict (owner_id, route, key) do update set
             fingerprint = excluded.fingerprint, claimed_at = excluded.claimed_at,
             status = null, location = null, etag = null, body = null
         where known.claimed_at <= $6",
        claim.owner.uuid(),
        claim.route,
        claim.key,
        claim.body,
        claim.now,
        claim.now - RETENTION
    )
    .execute(&mut *connection)
    .await;
    match claimed {
        Ok(claimed) if claimed.rows_affected() == 1 => Ok(ClaimOutcome::New),
        Ok(_) => stored(connection, claim).await,
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
            Ok(ClaimOutcome::InProgress)
        }
        Err(error) => Err(error),
    }
}

/// Returns the stored reply, whose row [`claim`] has locked.
async fn stored(connection: &mut PgConnection, claim: &Claim<'_>) -> Result<ClaimOutcome, sqlx::Error> {
    let stored = sqlx::query!(
        r#"select fingerprint = sha256($4) as "same!", status as "status!", location as "location!", etag, body as "body!"
           from idempotency_keys where owner_id = $1 and route = $2 and key = $3"#,
        claim.owner.uuid(),
        claim.route,
        claim.key,
        claim.body
    )
    .fetch_one(connection)
    .await?;
    if !stored.same {
        return Ok(ClaimOutcome::DifferentBody);
    }
    let (status, location, etag, body) = (stored.status, stored.location, stored.etag, stored.body);
    Ok(ClaimOutcome::Answered(StoredAnswer { status, location, etag, body }))
}

/// Deletes the expired replies of all owners, in batches.
/// A database function deletes them, because the service's role sees only the rows of one owner.
pub async fn sweep(pool: &PgPool) -> Result<(), sqlx::Error> {
    loop {
        let deleted = sqlx::query_scalar!(r#"select sweep_idempotency_keys($1) as "deleted!""#, SWEEP_BATCH)
            .fetch_one(pool)
            .await?;
        if deleted < SWEEP_BATCH {
            return Ok(());
        }
    }
}

/// Returns whether a reply is stored for this key, even if the body differs.
pub async fn is_answered(
    connection: &mut PgConnection,
    owner: UserId,
    route: &str,
    key: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let answered = sqlx::query_scalar!(
        r#"select exists (
               select 1 from idempotency_keys where owner_id = $1 and route = $2 and key = $3 and claimed_at > $4
           ) as "answered!""#,
        owner.uuid(),
        route,
        key,
        now - RETENTION
    );
    answered.fetch_one(connection).await
}

pub async fn store(connection: &mut PgConnection, claim: &Claim<'_>, answer: &StoredAnswer) -> Result<(), sqlx::Error> {
    let stored = sqlx::query!(
        "update idempotency_keys set status = $4, location = $5, etag = $6, body = $7
         where owner_id = $1 and route = $2 and key = $3",
        claim.owner.uuid(),
        claim.route,
        claim.key,
        answer.status,
        answer.location,
        answer.etag,
        answer.body
    )
    .execute(connection)
    .await?;
    exactly_one(&stored)
}
