//! Deletes the data of deleted accounts in batches. Each batch is one transaction, so that locks are short.
//!
//! The request that deletes an account deletes only the `users` row. A trigger then marks the `owners` row.
//! The marked row remains until all other data of the account are deleted. So the marked rows serve as a queue.
//! After a crash, the next sweep of any replica continues.

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Notify;

use crate::base::id::UserId;
use crate::db::OwnerTx;

/// Rows per transaction.
const BATCH_SIZE: i32 = 1_000;
/// Deleted accounts per sweep.
const MAX_OWNERS_PER_SWEEP: i64 = 100;

#[derive(Clone)]
pub struct OwnerPurge {
    pool: PgPool,
    wake: Arc<Notify>,
}

impl OwnerPurge {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, wake: Arc::default() }
    }

    /// Makes [`run`](Self::run) start a sweep.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Runs a sweep after each [`wake`](Self::wake), and then calls `swept`. Never returns.
    pub async fn run(&self, swept: impl Fn()) {
        loop {
            self.wake.notified().await;
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "failed to look up deleted accounts; the next sweep resumes");
            }
            swept();
        }
    }

    /// If the data of one account cannot be deleted, the sweep continues. The next sweep retries.
    async fn sweep(&self) -> Result<(), sqlx::Error> {
        let owners = sqlx::query_scalar!(
            "select id from owners where deleted_at is not null order by deleted_at limit $1",
            MAX_OWNERS_PER_SWEEP
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
            let more = sqlx::query_scalar!(r#"select purge_deleted_owner($1) as "more!""#, BATCH_SIZE)
                .fetch_one(transaction.connection())
                .await?;
            transaction.commit().await?;
            if !more {
                return Ok(());
            }
        }
    }
}
