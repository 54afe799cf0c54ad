//! Row quotas: a maximum of customers, invoices, payments and credit notes per owner (CWE-770, API4:2023).
//!
//! **Attack**: one account fills the disk, although it respects its rate limits.
//! **Control**: each owner has a configurable maximum per kind of row, one million by default.
//! The service counts the rows through an index, and stops counting at the maximum.
//! A counter row per owner would be slower: parallel requests of one owner would wait for each other to update it.
//! After one count, the owner may create [`LEASE`] rows (fewer near the maximum) before the service counts again.
//! At the maximum, the service counts at each attempt, so an owner who deletes rows can immediately create new ones.
//! Documents have a quota in bytes instead (`features/documents`).
//! **Limits**: the maximum prevents abuse but is not exact.
//! Each replica counts for itself, so an owner can exceed the maximum by [`LEASE`] rows per additional replica.
//! Requests that run in parallel to a count can also exceed the maximum.
//! **ASVS**: 2.4.1, 15.2.2 · **Test**: `attacks::limits::row_quotas`

mod store;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::PgConnection;

pub(crate) use self::store::count_rows;
use crate::base::id::UserId;
use crate::http::error::{ApiError, ApiResult};

pub const QUOTA_EXCEEDED: ApiError = ApiError::Conflict { code: "quota_exceeded", title: "The quota is used up" };

/// The number of rows that an owner may create before the service counts the rows again.
pub const LEASE: i64 = 1_000;

/// A type whose rows count towards a quota.
pub trait Counted {
    const TABLE: &'static str;

    /// Returns how many rows the owner has, but at most `max`: the query stops counting there, so its cost is bounded.
    fn count(connection: &mut PgConnection, owner: UserId, max: i64) -> impl Future<Output = Result<i64, sqlx::Error>>;
}

#[derive(Clone)]
pub struct RowQuotas {
    /// The maximum number of rows that an owner may have in each table.
    max: i64,
    leases: Arc<Mutex<HashMap<(UserId, &'static str), i64>>>,
}

impl RowQuotas {
    #[must_use]
    pub fn new(max: i64) -> Self {
        Self { max, leases: Arc::default() }
    }

    /// Checks that the owner may create one more row. Call it in the transaction that creates the row.
    ///
    /// # Errors
    /// [`QUOTA_EXCEEDED`] if the owner has the maximum number of rows.
    pub async fn admit<R: Counted>(&self, connection: &mut PgConnection, owner: UserId) -> ApiResult<()> {
        if self.take(owner, R::TABLE) {
            return Ok(());
        }
        let left = (self.max - R::count(connection, owner, self.max).await?).min(LEASE);
        if left <= 0 {
            return Err(QUOTA_EXCEEDED);
        }
        self.leases.lock().insert((owner, R::TABLE), left - 1);
        Ok(())
    }

    fn take(&self, owner: UserId, table: &'static str) -> bool {
        let mut leases = self.leases.lock();
        match leases.get_mut(&(owner, table)) {
            Some(left @ 1..) => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Discards all leases, so that the map does not grow with each owner.
    pub fn sweep(&self) {
        self.leases.lock().clear();
    }
}
