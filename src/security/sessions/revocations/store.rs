//! The statements that end sessions. The trigger on `sessions` announces what they end.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::base::id::{SessionId, UserId};

/// Where `announce_ended_session()` notifies.
pub const CHANNEL: &str = "session_ended";

/// A session that exists.
pub struct Found {
    /// Its user. `None`: the account was deleted.
    pub user: Option<Uuid>,
    pub ended: bool,
}

pub async fn find(pool: &PgPool, session: SessionId) -> Result<Option<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"select user_id as user, ended_at is not null as "ended!" from sessions where id = $1"#,
        session.uuid()
    )
    .fetch_optional(pool)
    .await
}

/// The session that a refresh token belongs to, and its user. `None`: there is none, or its user is gone.
pub async fn of_refresh_token(pool: &PgPool, hash: &[u8; 32]) -> Result<Option<(UserId, SessionId)>, sqlx::Error> {
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

/// Moves last uses forward. A row that another transaction has locked is skipped, so this never waits and cannot deadlock.
pub async fn keep_last_uses(pool: &PgPool, uses: &HashMap<SessionId, DateTime<Utc>>) -> Result<(), sqlx::Error> {
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

/// What one read of the ended sessions found.
pub struct Ends {
    pub sessions: Vec<Uuid>,
    /// Where the next read begins: the oldest transaction that was still open. Every older one had ended, so this read has
    /// seen what it did; the others are read again, which does no harm.
    pub next: String,
}

/// Reads the sessions that were ended by transactions from `position` on; `"0"` is all of them. One statement, so that both
/// results are of one snapshot.
pub async fn ended_from(connection: &mut PgConnection, position: &str) -> Result<Ends, sqlx::Error> {
    sqlx::query_as!(
        Ends,
        r#"select pg_snapshot_xmin(pg_current_snapshot())::text as "next!",
               array(select id from sessions where ended_by_transaction >= $1::text::xid8) as "sessions!""#,
        position
    )
    .fetch_one(connection)
    .await
}
