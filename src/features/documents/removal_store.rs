//! Bytes that are to go: of deleted documents at once, of uploads that never became one when their time is over. Each is removed
//! under the lock of its note, so an upload that is just becoming a document and the sweeper never both have it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;

use super::room_store::{HELD_FOR, give_back};
use crate::base::clock::Clock;
use crate::base::id::UserId;
use crate::db::OwnerTx;
use crate::http::error::ApiResult;
use crate::storage::Storage;

/// How many are looked up at once.
const AT_ONCE: i64 = 100;
/// A store that is down is asked again after this.
const AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);

/// The removals.
#[derive(Clone)]
pub struct Removals {
    pool: PgPool,
    storage: Arc<Storage>,
    clock: Clock,
    bell: Arc<Notify>,
}

impl Removals {
    #[must_use]
    pub fn new(pool: PgPool, storage: Arc<Storage>, clock: Clock) -> Self {
        Self { pool, storage, clock, bell: Arc::default() }
    }

    /// Says that something is due.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Sweeps whenever somebody rings.
    pub async fn run(&self) {
        loop {
            self.bell.notified().await;
            if let Err(error) = self.sweep().await {
                tracing::warn!(cause = ?error, "bytes that are to go are still there");
            }
        }
    }

    /// Removes everything that is due, and what killed processes left while it arrived.
    ///
    /// # Errors
    /// The database or the store is down: what is left stays due.
    pub async fn sweep(&self) -> ApiResult<()> {
        let now = self.clock.now();
        loop {
            let due = self.due(now).await?;
            for (user, key) in &due {
                if let Err(error) = self.remove(*user, *key).await {
                    self.put_off(*key, now + AGAIN_AFTER).await?;
                    return Err(error);
                }
            }
            if due.len() < usize::try_from(AT_ONCE).unwrap_or(usize::MAX) {
                break;
            }
        }
        Ok(self.storage.sweep(now - HELD_FOR).await?)
    }

    async fn due(&self, now: DateTime<Utc>) -> ApiResult<Vec<(UserId, Uuid)>> {
        let rows = sqlx::query!(
            "select user_id, storage_key from document_removals where due_at <= $1 order by due_at limit $2",
            now,
            AT_ONCE
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (row.user_id.into(), row.storage_key)).collect())
    }

    async fn put_off(&self, key: Uuid, until: DateTime<Utc>) -> ApiResult<()> {
        sqlx::query!("update document_removals set due_at = $2 where storage_key = $1", key, until)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Removes the bytes of one key and gives its room back, unless it has become a document or is just being removed.
    ///
    /// # Errors
    /// The database or the store is down: it stays due.
    pub(super) async fn remove(&self, user: UserId, key: Uuid) -> ApiResult<()> {
        let mut transaction = OwnerTx::begin(&self.pool, user).await?;
        let noted =
            sqlx::query_scalar!("select storage_key from document_removals where storage_key = $1 for update", key)
                .fetch_optional(transaction.connection())
                .await?;
        if noted.is_none() {
            return self.forget_stray(transaction, user, key).await;
        }
        self.storage.remove(key).await?;
        give_back(transaction.connection(), user, key).await?;
        sqlx::query!("delete from document_removals where storage_key = $1", key)
            .execute(transaction.connection())
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Bytes that came after their note was swept are nobody's: no note and no document knows them.
    async fn forget_stray(&self, mut transaction: OwnerTx, user: UserId, key: Uuid) -> ApiResult<()> {
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
