//! Answers that were given under an `Idempotency-Key` (`http/idempotency.rs`), kept inside the transaction of their work.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::base::id::UserId;

/// How long an answer is given again.
pub const KEPT: TimeDelta = TimeDelta::hours(24);

/// How long a claim waits for another that has the key, in milliseconds, each time longer: 630 in all. A refused request's
/// transaction is rolled back a moment after the reply, so a client that corrects itself at once would meet its own shadow; and
/// most of those that are still being done are done by then. The wait is short, because it holds a connection.
const WAITS: [u64; 6] = [10, 20, 40, 80, 160, 320];

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

/// Takes the key until the transaction ends, and forgets what this owner's old keys were answered.
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
        r#"with old as (delete from idempotency_keys where owner_id = $1 and created_at <= $2)
           select pg_try_advisory_xact_lock(hashtextextended($3, 0)) as "ours!""#,
        owner,
        claim.now - KEPT,
        format!("{owner} {} {}", claim.route, claim.key)
    )
    .fetch_one(&mut *connection)
    .await?;
    let kept = sqlx::query!(
        r#"select status, location, etag, body, fingerprint = sha256($4) as "same!"
           from idempotency_keys where owner_id = $1 and route = $2 and key = $3"#,
        owner,
        claim.route,
        claim.key,
        claim.body
    )
    .fetch_optional(connection)
    .await?;
    // Looked up without the lock too: whoever only gives the first answer again may hold it a moment longer than his reply takes.
    Ok(match kept {
        None if ours => Claimed::Fresh,
        None => Claimed::Running,
        Some(kept) if kept.same => {
            Claimed::Done(Kept { status: kept.status, location: kept.location, etag: kept.etag, body: kept.body })
        }
        Some(_) => Claimed::OtherBody,
    })
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
