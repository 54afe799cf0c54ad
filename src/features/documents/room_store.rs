//! The room that an owner has for files, and what of it an upload holds. It is taken before the first byte comes, for as much as
//! may come, in one statement whose row lock no parallel upload can overtake; and it is given back whatever happens: by the
//! request, or, when its process was killed, by the sweeper once its time is over.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::id::UserId;
use crate::db::exactly_one;
use crate::http::error::{ApiError, ApiResult};
use crate::security::limits::row_quotas::QUOTA_EXCEEDED;

/// Longer than the slowest upload of the largest file that can be set takes.
pub const HELD_FOR: TimeDelta = TimeDelta::hours(2);

/// What an owner may have.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    pub bytes: i64,
    pub files: i32,
}

/// Holds room for an upload, and notes that its bytes are to go if it never becomes a document.
///
/// # Errors
/// A conflict if the quota has no room left.
pub(super) async fn hold(
    connection: &mut PgConnection,
    owner: UserId,
    key: Uuid,
    bytes: i64,
    quota: Quota,
    now: DateTime<Utc>,
) -> ApiResult<()> {
    let held = sqlx::query!(
        "with room as (
             insert into document_usage as u (owner_id, bytes, files)
             select $1, $3, 1 where $3 <= $4::bigint and $5::int >= 1
             on conflict (owner_id) do update set bytes = u.bytes + excluded.bytes, files = u.files + 1
                 where u.owner_id = $1 and u.bytes + excluded.bytes <= $4 and u.files < $5
             returning 1
         ), noted as (
             insert into document_removals (storage_key, user_id, due_at) select $2, $1, $6 from room
         )
         insert into document_uploads (owner_id, storage_key, bytes) select $1, $2, $3 from room",
        owner.uuid(),
        key,
        bytes,
        quota.bytes,
        quota.files,
        now + HELD_FOR
    )
    .execute(connection)
    .await?;
    match held.rows_affected() {
        1 => Ok(()),
        _ => Err(QUOTA_EXCEEDED),
    }
}

/// Gives what an upload did not need back, inside the transaction that makes it a document: from its commit on, nothing is due to
/// go.
///
/// # Errors
/// A 503 if the upload's time was over and its bytes are gone.
pub(super) async fn settle(connection: &mut PgConnection, owner: UserId, key: Uuid, size: i64) -> ApiResult<()> {
    let settled = sqlx::query!(
        "with noted as (
             delete from document_removals where storage_key = $2 returning storage_key
         ), held as (
             delete from document_uploads
             where owner_id = $1 and storage_key = $2 and exists (select 1 from noted) returning bytes
         )
         update document_usage set bytes = document_usage.bytes - held.bytes + $3 from held where owner_id = $1",
        owner.uuid(),
        key,
        size
    )
    .execute(connection)
    .await?;
    exactly_one(&settled).map_err(|_| ApiError::unavailable(1, "the room of an upload is gone"))
}

/// Gives all of it back.
///
/// # Errors
/// The database cannot be asked.
pub(super) async fn give_back(connection: &mut PgConnection, owner: UserId, key: Uuid) -> ApiResult<()> {
    sqlx::query!(
        "with held as (
             delete from document_uploads where owner_id = $1 and storage_key = $2 returning bytes
         )
         update document_usage set bytes = document_usage.bytes - held.bytes, files = files - 1
         from held where owner_id = $1",
        owner.uuid(),
        key
    )
    .execute(connection)
    .await?;
    Ok(())
}
