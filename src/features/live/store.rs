//! SQL of live events.
//! The statements for changes do not filter by owner, because each replica reads the changes of all owners.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::db::OwnerTx;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::objects::ObjectKind;
use crate::security::authorization::administrators::AdminCaller;
use crate::security::sessions::caller::Caller;

pub struct ChangeBatch {
    /// The snapshot of this read. The next read returns the changes that are not visible in this snapshot.
    pub snapshot: String,
    /// The changes as text, which [`Change`](super::model::Change) parses.
    pub changes: Vec<String>,
}

/// Returns at most `limit` changes that were committed after `snapshot`, and a new snapshot.
/// If `snapshot` is `None`, returns only the new snapshot.
/// A single statement reads the changes and the new snapshot, so that no change is lost between two reads.
pub async fn changes_since(
    connection: &mut PgConnection,
    snapshot: Option<&str>,
    limit: i64,
) -> Result<ChangeBatch, sqlx::Error> {
    sqlx::query_as!(
        ChangeBatch,
        r#"select pg_current_snapshot()::text as "snapshot!",
               array(
                   select change from object_changes
                   where transaction >= pg_snapshot_xmin($1::text::pg_snapshot)
                     and not pg_visible_in_snapshot(transaction, $1::text::pg_snapshot)
                   order by transaction limit $2
               ) as "changes!""#,
        snapshot,
        limit
    )
    .fetch_one(connection)
    .await
}

/// Deletes changes after ten minutes. By then, every replica has read them.
pub async fn sweep(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from object_changes where created_at < now() - interval '10 minutes'").execute(pool).await?;
    Ok(())
}

/// # Errors
/// [`ApiError::NotFound`] if the object does not exist or belongs to another user.
pub async fn version(pool: &PgPool, caller: &Caller, kind: ObjectKind, id: Uuid) -> ApiResult<i64> {
    let mut tx = OwnerTx::begin(pool, caller.user()).await?;
    let version = sqlx::query_scalar!("select object_version($1, $2)", kind.name, id);
    version.fetch_one(tx.connection()).await?.ok_or(ApiError::NotFound)
}

/// Returns 1 while the alert is open, and 2 once it is cleared.
///
/// # Errors
/// [`ApiError::NotFound`] if the alert does not exist, or the caller is no longer an administrator.
pub async fn alert_version(pool: &PgPool, admin: &AdminCaller, id: Uuid) -> ApiResult<i64> {
    sqlx::query_scalar!(
        r#"select (case state when 'open' then 1 else 2 end)::bigint as "version!"
           from alerts where id = $1 and is_active_admin($2)"#,
        id,
        admin.user().uuid()
    )
    .fetch_optional(pool)
    .await?
    .ok_or(ApiError::NotFound)
}
