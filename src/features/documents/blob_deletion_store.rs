//! Deletes the stored files of deleted documents and of failed uploads.
//!
//! A message in the [outbox](crate::db::outbox) names the file. The outbox worker claims the message, then deletes the
//! file. An upload also has such a message until the upload becomes a document.
//! If the outbox worker has claimed the message, the upload fails. So the worker never deletes the file of a document.

use std::sync::Arc;

use sqlx::PgPool;
use uuid::Uuid;

use super::quota_store::{RESERVATION_LIFETIME, release};
use crate::base::clock::Clock;
use crate::base::id::UserId;
use crate::db::outbox::{self, Consumer, Notifier, QueuedMessage};
use crate::db::{OwnerTx, owner_query};
use crate::http::error::ApiResult;
use crate::storage::Storage;

#[derive(Clone)]
pub struct BlobDeletionQueue {
    pub pool: PgPool,
    pub storage: Arc<Storage>,
    pub clock: Clock,
    pub notifier: Notifier,
}

impl Consumer for BlobDeletionQueue {
    /// The outbox worker never gives up, because the owner gets the quota back only after the file was deleted.
    const MAX_ATTEMPTS: i32 = i32::MAX;
    const RETRY_SECONDS: &'static [u32] = &[60];

    fn queue(&self) -> &'static str {
        "blob_deletion"
    }

    async fn deliver(&self, message: &QueuedMessage) -> Result<(), String> {
        let user = message.subject_id.ok_or("the row names no user")?;
        self.delete(user.into(), message.id).await.map_err(|error| format!("{error:?}"))
    }
}

impl BlobDeletionQueue {
    /// Call this after adding a message that is due immediately.
    pub fn notify(&self) {
        self.notifier.notify();
    }

    /// Deletes the temporary files that a killed process has left.
    pub async fn sweep(&self) -> ApiResult<()> {
        Ok(self.storage.sweep(self.clock.now() - RESERVATION_LIFETIME).await?)
    }

    /// Deletes the file of a failed upload and releases its quota. Does nothing if the upload has become a document.
    pub(super) async fn delete_now(&self, user: UserId, key: Uuid) -> ApiResult<()> {
        // If the message for this file cannot be claimed, there are two cases:
        // - The upload has become a document. The file must remain.
        // - The outbox worker processed the message before the file was stored. Delete the file now.
        if outbox::claim_one(&self.pool, key, self.clock.now()).await? || !self.is_committed(user, key).await? {
            self.delete(user, key).await?;
            outbox::mark_done(&self.pool, key, self.clock.now()).await?;
        }
        Ok(())
    }

    async fn delete(&self, user: UserId, key: Uuid) -> ApiResult<()> {
        self.storage.remove(key).await?;
        let mut transaction = OwnerTx::begin(&self.pool, user).await?;
        release(transaction.connection(), user, key).await?;
        Ok(transaction.commit().await?)
    }

    async fn is_committed(&self, user: UserId, key: Uuid) -> ApiResult<bool> {
        let document = owner_query!(
            user,
            r#"select exists (select from documents where owner_id = $1 and storage_key = $2) as "is_committed!""#,
            key
        );
        Ok(document.fetch_one(&self.pool).await?.is_committed)
    }
}
