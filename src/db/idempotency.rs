//! Storage of idempotent replies (`http/idempotency.rs`), written in the transaction of the work.
//!
//! **Lock order**, so that idempotent requests cannot deadlock: key, invoice, number counter, document, storage usage of the owner.
//! A request claims its key before it locks or writes any other row, and the claim waits for no row lock. Foreign keys lock
//! too: inserting a document locks its invoice. Deleting an invoice or customer, and moving a document, lock in other
//! orders, without a key. A cycle needs at least three of these at once; PostgreSQL then aborts one, and its client receives 503.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use crate::base::id::UserId;

/// How long a reply is stored.
pub const RETENTION: TimeDelta = TimeDelta::hours(24);

/// Exponential backoff while another request holds the key, in milliseconds: 630 in total. The transaction of a refused request is
/// rolled back shortly after its reply, so an immediate retry finds the key still claimed. The total is short, because waiting
/// holds a connection.
const CLAIM_RETRY_MILLIS: [u64; 6] = [10, 20, 40, 80, 160, 320];

/// Expired replies that one statement deletes.
const SWEEP_BATCH: i64 = 1_000;

/// A key and what it is bound to: one owner, one route, one body.
pub struct Claim<'a> {
    pub owner: UserId,
    pub route: &'a str,
    pub key: &'a str,
    pub body: &'a [u8],
    pub now: DateTime<Utc>,
}

/// A stored reply.
pub struct StoredAnswer {
    pub status: i32,
    pub location: String,
    pub etag: Option<String>,
    pub body: String,
}

/// The result of claiming a key.
pub enum ClaimOutcome {
    /// The key is new: do the work.
    New,
    /// The work was done, with this reply.
    Answered(StoredAnswer),
    /// The key was used with another body.
    DifferentBody,
    /// Another request still holds the key after the backoff.
    InProgress,
}

/// Claims the key until the transaction ends (advisory lock).
pub async fn claim(connection: &mut PgConnection, claim: &Claim<'_>) -> Result<ClaimOutcome, sqlx::Error> {
    for wait in CLAIM_RETRY_MILLIS {
        match claim_now(connection, claim).await? {
            ClaimOutcome::InProgress => tokio::time::sleep(Duration::from_millis(wait)).await,
            claimed => return Ok(claimed),
        }
    }
    claim_now(connection, claim).await
}

async fn claim_now(connection: &mut PgConnection, claim: &Claim<'_>) -> Result<ClaimOutcome, sqlx::Error> {
    let owner = claim.owner.uuid();
    let ours = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "ours!""#,
        format!("{owner} {} {}", claim.route, claim.key)
    )
    .fetch_one(&mut *connection)
    .await?;
    let kept = sqlx::query!(
        r#"select status, location, etag, body, fingerprint = sha256($4) as "same!", created_at
           from idempotency_keys where owner_id = $1 and route = $2 and key = $3"#,
        owner,
        claim.route,
        claim.key,
        claim.body
    )
    .fetch_optional(&mut *connection)
    .await?;
    // Looked up without the lock too: a request that returns the stored reply holds the lock slightly longer than its reply takes.
    match kept {
        Some(kept) if kept.created_at <= claim.now - RETENTION => {
            if !ours {
                return Ok(ClaimOutcome::InProgress);
            }
            delete_expired(connection, claim).await?;
            Ok(ClaimOutcome::New)
        }
        Some(kept) if kept.same => Ok(ClaimOutcome::Answered(StoredAnswer {
            status: kept.status,
            location: kept.location,
            etag: kept.etag,
            body: kept.body,
        })),
        Some(_) => Ok(ClaimOutcome::DifferentBody),
        None if ours => Ok(ClaimOutcome::New),
        None => Ok(ClaimOutcome::InProgress),
    }
}

/// Deletes the expired reply of a claimed key.
async fn delete_expired(connection: &mut PgConnection, claim: &Claim<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from idempotency_keys where owner_id = $1 and route = $2 and key = $3",
        claim.owner.uuid(),
        claim.route,
        claim.key
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes the expired replies of all owners in batches, by a function that can see only expired rows.
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

/// Returns whether this key has a stored reply, for any body.
pub async fn is_answered(
    connection: &mut PgConnection,
    owner: UserId,
    route: &str,
    key: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let answered = sqlx::query_scalar!(
        r#"select exists (
               select 1 from idempotency_keys where owner_id = $1 and route = $2 and key = $3 and created_at > $4
           ) as "answered!""#,
        owner.uuid(),
        route,
        key,
        now - RETENTION
    );
    answered.fetch_one(connection).await
}

/// Stores the reply.
pub async fn store(connection: &mut PgConnection, claim: &Claim<'_>, answer: &StoredAnswer) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into idempotency_keys (owner_id, route, key, fingerprint, status, location, etag, body, created_at)
         values ($1, $2, $3, sha256($4), $5, $6, $7, $8, $9)",
        claim.owner.uuid(),
        claim.route,
        claim.key,
        claim.body,
        answer.status,
        answer.location,
        answer.etag,
        answer.body,
        claim.now
    )
    .execute(connection)
    .await?;
    Ok(())
}
