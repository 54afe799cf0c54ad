//! Stores the replies of idempotent requests (`http/idempotency.rs`), each in the same transaction as the change
//! itself.
//!
//! **Lock order**: all idempotent requests lock in one order, so that they cannot deadlock: key, invoice, number
//! counter, document, storage usage of the owner. A request claims its key before it locks or writes any other row, and
//! the claim never waits for a row lock. Foreign keys lock too: inserting a document locks its invoice.
//!
//! Some requests have no key and can lock in another order: those that delete an invoice or a customer, or move a
//! document. A deadlock needs at least three of these requests at the same time. PostgreSQL then aborts one of them,
//! and its client receives 503.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use crate::base::id::UserId;

/// How long the reply to a key is stored.
pub const RETENTION: TimeDelta = TimeDelta::hours(24);

/// Exponential backoff while another request holds the key, in milliseconds; 630 in total. A refused request rolls back
/// shortly after its reply, so a client that retries at once may find the key still claimed. The total is short,
/// because a waiting request holds a database connection.
const CLAIM_RETRY_MILLIS: [u64; 6] = [10, 20, 40, 80, 160, 320];

/// How many expired replies one statement deletes at most.
const SWEEP_BATCH: i64 = 1_000;

/// An idempotency key with the owner, the route and the body that it is bound to.
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
    /// The key is new: the caller executes the request.
    New,
    /// The request was executed before. This is its stored reply.
    Answered(StoredAnswer),
    /// The key was used before with another body.
    DifferentBody,
    /// Another request with this key is still running after the backoff.
    InProgress,
}

/// Claims the key with an advisory lock, which is held until the transaction ends.
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
    // Read the stored reply even without the lock. The lock may be held by another request that only returns the stored
    // reply.
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

/// Deletes the expired replies of all owners in batches. The database function that deletes them sees only expired
/// rows.
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
