//! SQL of the command `audit archive`. It runs as the schema's owner, because the service's role may not delete events.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Returns the last batch that was sealed before `before`, but never the newest batch.
/// The newest batch must stay in the database, because the next seal must contain the MAC of the newest seal.
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

pub async fn delete_batches(connection: &mut PgConnection, last_batch: i64) -> Result<(), sqlx::Error> {
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
