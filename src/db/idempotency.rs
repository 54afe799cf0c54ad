//! Answers that were given under an `Idempotency-Key` (`http/idempotency.rs`), kept inside the transaction of their work.
//!
//! **Lock order**, so that keyed requests cannot deadlock: key, then invoice, then its number's counter, then document, then
//! the owner's storage usage. A request claims its key before it locks or writes any other row, and the claim itself waits
//! for no row. Foreign keys lock too: inserting a document locks its invoice. Deleting an invoice or a customer and moving a
//! document lock in other orders, without a key; a cycle takes at least three of them at once. PostgreSQL then ends one of
//! them, and its client gets a 503.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use crate::base::id::UserId;

/// How long an answer is given again.
pub const KEPT: TimeDelta = TimeDelta::hours(24);

/// How long a claim waits for another that has the key, in milliseconds, each time longer: 630 in all. A refused request's
/// transaction is rolled back a moment after the reply, so a client that corrects itself at once would meet its own shadow; and
/// most of those that are still being done are done by then. The wait is short, because it holds a connection.
const WAITS: [u64; 6] = [10, 20, 40, 80, 160, 320];

/// How many expired answers one statement of the sweep deletes.
const SWEPT_AT_ONCE: i64 = 1_000;

/// What a key is good for: one owner, one route, one body.
pub struct Claim<'a> {
    pub owner: UserId,
    pub route: &'a str,
    pub key: &'a str,
    pub body: &'a [u8],
    pub now: DateTime<Utc>,
}

/// An answer.
pub struct Kept {
    pub status: i32,
    pub location: String,
    pub etag: Option<String>,
    pub body: String,
}

/// What became of a key until now.
pub enum Claimed {
    /// Nothing: do the work.
    Fresh,
    /// It was done.
    Done(Kept),
    /// It was used for another body.
    OtherBody,
    /// Another request is at it, and was for as long as one waits.
    Running,
}

/// Takes the key until the transaction ends.
///
/// # Errors
/// The database cannot be asked.
pub async fn claim(connection: &mut PgConnection, claim: &Claim<'_>) -> Result<Claimed, sqlx::Error> {
    for wait in WAITS {
        match claim_now(connection, claim).await? {
            Claimed::Running => tokio::time::sleep(Duration::from_millis(wait)).await,
            claimed => return Ok(claimed),
        }
    }
    claim_now(connection, claim).await
}

async fn claim_now(connection: &mut PgConnection, claim: &Claim<'_>) -> Result<Claimed, sqlx::Error> {
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
    // Looked up without the lock too: whoever only gives the first answer again may hold it a moment longer than his reply takes.
    match kept {
        Some(kept) if kept.created_at <= claim.now - KEPT => {
            if !ours {
                return Ok(Claimed::Running);
            }
            forget(connection, claim).await?;
            Ok(Claimed::Fresh)
        }
        Some(kept) if kept.same => {
            Ok(Claimed::Done(Kept { status: kept.status, location: kept.location, etag: kept.etag, body: kept.body }))
        }
        Some(_) => Ok(Claimed::OtherBody),
        None if ours => Ok(Claimed::Fresh),
        None => Ok(Claimed::Running),
    }
}

/// Deletes the expired answer of a key that is claimed.
async fn forget(connection: &mut PgConnection, claim: &Claim<'_>) -> Result<(), sqlx::Error> {
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

/// Deletes the expired answers of all owners, a batch at a time. The schema's owner may see those and no others.
///
/// # Errors
/// The database cannot be asked; what was deleted stays deleted.
pub async fn sweep(pool: &PgPool) -> Result<(), sqlx::Error> {
    loop {
        let deleted = sqlx::query_scalar!(r#"select sweep_idempotency_keys($1) as "deleted!""#, SWEPT_AT_ONCE)
            .fetch_one(pool)
            .await?;
        if deleted < SWEPT_AT_ONCE {
            return Ok(());
        }
    }
}

/// Whether this key has an answer, for whatever body.
///
/// # Errors
/// The database cannot be asked.
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
        now - KEPT
    );
    answered.fetch_one(connection).await
}

/// Keeps the answer, with the work.
///
/// # Errors
/// The database cannot be asked.
pub async fn keep(connection: &mut PgConnection, claim: &Claim<'_>, answer: &Kept) -> Result<(), sqlx::Error> {
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
