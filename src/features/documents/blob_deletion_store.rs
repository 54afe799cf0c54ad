//! The queue of stored files to delete: files of deleted documents, and files of uploads that never became documents.
//!
//! A file is deleted while its queue row is locked. The commit of an upload deletes the same row. So a file is either
//! deleted or becomes a document, even if both start at the same time.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;

use super::quota_store::{RESERVATION_LIFETIME, release};
use crate::base::clock::Clock;
use crate::base::id::UserId;
use crate::db::OwnerTx;
use crate::http::error::ApiResult;
use crate::storage::Storage;

/// The maximum number of queue rows that are read at once.
const BATCH_SIZE: i64 = 100;
/// The delay after which a failed deletion is retried.
const RETRY_DELAY: TimeDelta = TimeDelta::minutes(1);

/// Deletes stored files that are due.
#[derive(Clone)]
pub struct BlobDeletionQueue {
    pool: PgPool,
    storage: Arc<Storage>,
    clock: Clock,
    wake: Arc<Notify>,
}

impl BlobDeletionQueue {
    #[must_use]
    pub fn new(pool: PgPool, storage: Arc<Storage>, clock: Clock) -> Self {
        Self { pool, storage, clock, wake: Arc::default() }
    }

    /// Wakes the worker.
    pub fn notify(&self) {
        self.wake.notify_one();
    }

    /// Runs a sweep after each [`notify`](Self::notify).
    pub async fn run(&self) {
        loop {
            self.wake.notified().await;
            if let Err(error) = self.sweep().await {
                tracing::warn!(cause = ?error, "failed to delete stored objects");
            }
        }
    }

    /// Deletes all files that are due. Also deletes incomplete files, which killed processes have left in the object
    /// store.
    ///
    /// # Errors
    /// Fails if the database or the object store is down. The remaining files stay in the queue.
    pub async fn sweep(&self) -> ApiResult<()> {
        let now = self.clock.now();
        loop {
            let due = self.due(now).await?;
            for (user, key) in &due {
                if let Err(error) = self.remove(*user, *key).await {
                    self.postpone(*key, now + RETRY_DELAY).await?;
                    return Err(error);
                }
            }
            if due.len() < usize::try_from(BATCH_SIZE).unwrap_or(usize::MAX) {
                break;
            }
        }
        Ok(self.storage.sweep(now - RESERVATION_LIFETIME).await?)
    }

    async fn due(&self, now: DateTime<Utc>) -> ApiResult<Vec<(UserId, Uuid)>> {
        let rows = sqlx::query!(
            "select user_id, storage_key from document_removals where due_at <= $1 order by due_at limit $2",
            now,
            BATCH_SIZE
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (row.user_id.into(), row.storage_key)).collect())
    }

    async fn postpone(&self, key: Uuid, until: DateTime<Utc>) -> ApiResult<()> {
        sqlx::query!("update document_removals set due_at = $2 where storage_key = $1", key, until)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Deletes one file and releases its quota, unless the file has become a document or is already deleted.
    ///
    /// # Errors
    /// Fails if the database or the object store is down. The file stays in the queue.
    pub(super) async fn remove(&self, user: UserId, key: Uuid) -> ApiResult<()> {
        let mut transaction = OwnerTx::begin(&self.pool, user).await?;
        let queued =
            sqlx::query_scalar!("select storage_key from document_removals where storage_key = $1 for update", key)
                .fetch_optional(transaction.connection())
                .await?;
        if queued.is_none() {
            return self.remove_orphan(transaction, user, key).await;
        }
        self.storage.remove(key).await?;
        release(transaction.connection(), user, key).await?;
        sqlx::query!("delete from document_removals where storage_key = $1", key)
            .execute(transaction.connection())
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Deletes a file that is neither queued nor part of a document: its upload stored the file after a sweep had
    /// removed the queue row.
    async fn remove_orphan(&self, mut transaction: OwnerTx, user: UserId, key: Uuid) -> ApiResult<()> {
        let known = sqlx::query_scalar!(
            r#"select exists (select 1 from document_removals where storage_key = $2)
                   or exists (select 1 from documents where owner_id = $1 and storage_key = $2) as "known!""#,
            user.uuid(),
            key
        );
        if !known.fetch_one(transaction.connection()).await? {
            self.storage.remove(key).await?;
        }
        Ok(())
    }
}
