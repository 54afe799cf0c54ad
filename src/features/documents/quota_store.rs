//! SQL of the storage quota of each owner.
//!
//! Each upload reserves quota for its maximum size before the service reads the first byte.
//! The reservation locks the owner's row, so parallel uploads cannot exceed the quota together (CWE-367).
//! A failed request releases its reservation. If the process was killed, the outbox worker releases the reservation
//! after [`RESERVATION_LIFETIME`].

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::id::UserId;
use crate::db::exactly_one;
use crate::http::error::{ApiError, ApiResult};
use crate::security::limits::row_quotas::QUOTA_EXCEEDED;

/// Longer than the slowest allowed upload of the largest allowed file.
pub const RESERVATION_LIFETIME: TimeDelta = TimeDelta::hours(2);

#[derive(Clone, Copy, Debug)]
pub struct Quota {
    pub bytes: i64,
    pub files: i32,
}

/// Reserves quota, and queues the file for deletion after [`RESERVATION_LIFETIME`].
/// After a successful upload, [`commit`] removes the file from the queue.
///
/// # Errors
/// [`QUOTA_EXCEEDED`] if the owner has less than `bytes` left, or already has the maximum number of files.
pub(super) async fn reserve(
    connection: &mut PgConnection,
    owner: UserId,
    key: Uuid,
    bytes: i64,
    quota: Quota,
    now: DateTime<Utc>,
) -> ApiResult<()> {
    let reserved = sqlx::query!(
        "with reserved as (
             insert into document_usage as u (owner_id, bytes, files)
             select $1, $3, 1 where $3 <= $4::bigint and $5::int >= 1
             on conflict (owner_id) do update set bytes = u.bytes + excluded.bytes, files = u.files + 1
                 where u.owner_id = $1 and u.bytes + excluded.bytes <= $4 and u.files < $5
             returning 1
         ), queued as (
             insert into outbox (id, queue, kind, subject_id, created_at, next_attempt_at)
             select $2, 'blob_deletion', 'blob', $1, $7, $6 from reserved
         )
         insert into document_uploads (owner_id, storage_key, bytes) select $1, $2, $3 from reserved",
        owner.uuid(),
        key,
        bytes,
        quota.bytes,
        quota.files,
        now + RESERVATION_LIFETIME,
        now
    )
    .execute(connection)
    .await?;
    match reserved.rows_affected() {
        1 => Ok(()),
        _ => Err(QUOTA_EXCEEDED),
    }
}

/// Reduces the reservation to the actual size, and removes the file from the deletion queue.
/// Call this in the transaction that inserts the document.
///
/// # Errors
/// [`ApiError::Unavailable`] if the reservation has expired, and the outbox worker has claimed the file for deletion.
pub(super) async fn commit(connection: &mut PgConnection, owner: UserId, key: Uuid, size: i64) -> ApiResult<()> {
    let committed = sqlx::query!(
        "with queued as (
             delete from outbox where id = $2 and attempts = 0 returning id
         ), reservation as (
             delete from document_uploads
             where owner_id = $1 and storage_key = $2 and exists (select 1 from queued) returning bytes
         )
         update document_usage set bytes = document_usage.bytes - reservation.bytes + $3 from reservation where owner_id = $1",
        owner.uuid(),
        key,
        size
    )
    .execute(connection)
    .await?;
    exactly_one(&committed).map_err(|_| ApiError::unavailable(1, "the quota reservation of an upload has expired"))
}

pub(super) async fn release(connection: &mut PgConnection, owner: UserId, key: Uuid) -> ApiResult<()> {
    sqlx::query!(
        "with reservation as (
             delete from document_uploads where owner_id = $1 and storage_key = $2 returning bytes
         )
         update document_usage set bytes = document_usage.bytes - reservation.bytes, files = files - 1
         from reservation where owner_id = $1",
        owner.uuid(),
        key
    )
    .execute(connection)
    .await?;
    Ok(())
}
