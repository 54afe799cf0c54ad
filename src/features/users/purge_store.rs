//! Deletes what deleted accounts owned, in batches. The account itself is gone at once (`store.rs`): what it owned refers to a row
//! of `owners` that outlives it, and that row is the queue. Each batch is a transaction of its own, so no lock lasts longer.
//! If the process ends in between, the next sweep resumes, here or on another replica.

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Notify;

use crate::base::id::UserId;
use crate::db::OwnerTx;

/// Rows that one transaction deletes at most.
const BATCH: i32 = 1_000;
/// Owners that are looked up at once.
const OWNERS_AT_ONCE: i64 = 100;

/// Deletes the rows of deleted accounts.
#[derive(Clone)]
pub struct OwnerPurge {
    pool: PgPool,
    wake: Arc<Notify>,
}

impl OwnerPurge {
    /// On this pool.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, wake: Arc::default() }
    }

    /// Says that an account was deleted, or that it is time to look.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Sweeps whenever it is woken, and calls `swept` afterwards.
    pub async fn run(&self, swept: impl Fn()) {
        loop {
            self.wake.notified().await;
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "failed to look up deleted accounts; the next sweep resumes");
            }
            swept();
        }
    }

    /// Deletes what is left of deleted accounts, oldest first.
    ///
    /// # Errors
    /// They cannot be looked up. A failure of one account leaves it to the next sweep, and goes on with the others.
    async fn sweep(&self) -> Result<(), sqlx::Error> {
        let owners = sqlx::query_scalar!(
            "select id from owners where deleted_at is not null order by deleted_at limit $1",
            OWNERS_AT_ONCE
        )
        .fetch_all(&self.pool)
        .await?;
        for owner in owners.into_iter().map(UserId::from) {
            if let Err(error) = self.purge(owner).await {
                tracing::warn!(%error, "failed to delete the rows of a deleted account; the next sweep resumes");
            }
        }
        Ok(())
    }

    async fn purge(&self, owner: UserId) -> Result<(), sqlx::Error> {
        loop {
            let mut transaction = OwnerTx::begin(&self.pool, owner).await?;
            let more = sqlx::query_scalar!(r#"select purge_deleted_owner($1) as "more!""#, BATCH)
                .fetch_one(transaction.connection())
                .await?;
            transaction.commit().await?;
            if !more {
                return Ok(());
            }
        }
    }
}
