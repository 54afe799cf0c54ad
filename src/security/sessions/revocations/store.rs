//! SQL that finds and ends sessions. A trigger on the table `sessions` sends a notification for each ended session.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::base::id::{SessionId, UserId};

pub const CHANNEL: &str = "session_ended";

pub struct FoundSession {
    /// The user of the session, or `None` if the account was deleted.
    pub user: Option<Uuid>,
    pub ended: bool,
}

pub async fn find(pool: &PgPool, session: SessionId) -> Result<Option<FoundSession>, sqlx::Error> {
    sqlx::query_as!(
        FoundSession,
        r#"select user_id as user, ended_at is not null as "ended!" from sessions where id = $1"#,
        session.uuid()
    )
    .fetch_optional(pool)
    .await
}

/// Returns the user and the session of a refresh token, or `None` if the token is unknown or its account was deleted.
pub async fn find_by_refresh_token(pool: &PgPool, hash: &[u8; 32]) -> Result<Option<(UserId, SessionId)>, sqlx::Error> {
    let found = sqlx::query!(
        r#"select s.id, s.user_id as "user_id!" from refresh_tokens t join sessions s on s.id = t.session_id
           where t.token_hash = $1 and s.user_id is not null"#,
        hash
    )
    .fetch_optional(pool)
    .await?;
    Ok(found.map(|row| (row.user_id.into(), row.id.into())))
}

pub async fn end(
    connection: &mut PgConnection,
    user: UserId,
    session: SessionId,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query!(
        "update sessions set ended_at = $3 where id = $1 and user_id = $2 and ended_at is null",
        session.uuid(),
        user.uuid(),
        now
    )
    .execute(connection)
    .await?;
    Ok(ended.rows_affected() == 1)
}

pub async fn end_all(
    connection: &mut PgConnection,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<SessionId>, sqlx::Error> {
    let ended = sqlx::query_scalar!(
        "update sessions set ended_at = $2
         where user_id = $1 and ended_at is null
         returning id",
        user.uuid(),
        now
    )
    .fetch_all(connection)
    .await?;
    Ok(ended.into_iter().map(SessionId::from).collect())
}

/// Stores the last uses that are newer than the stored ones. Skips locked rows, so it never waits and cannot deadlock.
pub async fn save_last_uses(pool: &PgPool, uses: &HashMap<SessionId, DateTime<Utc>>) -> Result<(), sqlx::Error> {
    let (sessions, times): (Vec<Uuid>, Vec<DateTime<Utc>>) = uses.iter().map(|(id, at)| (id.uuid(), *at)).unzip();
    sqlx::query!(
        "with used as (
             select u.id, u.at from unnest($1::uuid[], $2::timestamptz[]) as u (id, at) join sessions s on s.id = u.id
             where s.ended_at is null and s.last_used_at < u.at
             for no key update of s skip locked
         )
         update sessions set last_used_at = used.at from used where sessions.id = used.id",
        &sessions,
        &times
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub struct EndedBatch {
    pub sessions: Vec<Uuid>,
    /// The position at which the next poll begins: the id of the oldest transaction that is still open.
    /// This poll has seen all older transactions. The next poll reads some newer transactions again, which is harmless.
    pub next: String,
}

/// Returns the sessions that were ended by the transaction `position` or a later one; `"0"` selects all ended sessions.
/// One statement reads the sessions and the next position, because two statements would miss a transaction that commits
/// between them.
pub async fn ended_from(connection: &mut PgConnection, position: &str) -> Result<EndedBatch, sqlx::Error> {
    sqlx::query_as!(
        EndedBatch,
        r#"select pg_snapshot_xmin(pg_current_snapshot())::text as "next!",
               array(select id from sessions where ended_by_transaction >= $1::text::xid8) as "sessions!""#,
        position
    )
    .fetch_one(connection)
    .await
}
