//! The statements of `audit archive`, under the role that owns the schema.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// The last batch before the first one that was sealed at this moment or later. The newest batch of all always stays.
pub async fn last_batch_before(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select max(batch) from security_event_seals where batch < (
             select coalesce(min(batch) filter (where sealed_at >= $1), max(batch)) from security_event_seals
         )",
        before
    )
    .fetch_one(connection)
    .await
}

/// Removes these batches and their rows.
pub async fn remove_until(connection: &mut PgConnection, last_batch: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("set local app.archiving = 'on'").execute(&mut *connection).await?;
    sqlx::query!(
        "delete from security_events
         where seq in (select unnest(seqs) from security_event_seals where batch <= $1)",
        last_batch
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from security_event_seals where batch <= $1", last_batch).execute(connection).await?;
    Ok(())
}
