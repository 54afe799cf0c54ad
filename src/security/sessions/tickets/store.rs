//! SQL of tickets. The table has no row-level security, because a ticket must be read before the caller is known.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::security::sessions::caller::Caller;

pub struct FoundTicket {
    pub user: Uuid,
    pub session: Uuid,
    pub authorized_until: DateTime<Utc>,
    pub ended: bool,
    pub expired: bool,
    /// Whether this call has redeemed the ticket.
    pub redeemed: bool,
}

pub async fn insert(
    pool: &PgPool,
    hash: &[u8; 32],
    caller: &Caller,
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into live_tickets (token_hash, user_id, session_id, authorized_until, expires_at)
         values ($1, $2, $3, $4, $5)",
        hash,
        caller.user().uuid(),
        caller.session().uuid(),
        caller.expires_at(),
        expires_at
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Redeems a ticket if it is valid. If several calls redeem it in parallel, exactly one succeeds.
pub async fn redeem(pool: &PgPool, hash: &[u8; 32], now: DateTime<Utc>) -> Result<Option<FoundTicket>, sqlx::Error> {
    sqlx::query_as!(
        FoundTicket,
        r#"with presented as (
               select t.user_id, t.session_id, t.authorized_until,
                   s.ended_at is not null or s.expires_at <= $2 or u.status <> 'active' as ended,
                   least(t.expires_at, t.authorized_until) <= $2 as expired
               from live_tickets t join sessions s on s.id = t.session_id join users u on u.id = t.user_id
               where t.token_hash = $1
           ), used as (
               update live_tickets set used_at = $2 from presented
               where token_hash = $1 and used_at is null and not presented.ended and not presented.expired
               returning token_hash
           )
           select user_id as "user!", session_id as "session!", authorized_until as "authorized_until!",
               ended as "ended!", expired as "expired!", exists (select from used) as "redeemed!"
           from presented"#,
        hash,
        now
    )
    .fetch_optional(pool)
    .await
}

pub async fn sweep(pool: &PgPool, before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from live_tickets where expires_at <= $1", before).execute(pool).await?;
    Ok(())
}
