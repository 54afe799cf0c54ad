//! Row quotas: a maximum of customers, invoices, payments and credit notes per owner (CWE-770, API4:2023).
//!
//! **Attack**: one account fills the disk, within its rate limits. Documents have their own quota
//! (`features/documents`).
//! **Control**: each owner has a configurable maximum per kind of row, one million by default. A counter row would add
//! a write to each create, and parallel creates of an owner would wait for each other. Instead, rows are counted by an
//! index, up to the maximum. After one count, the owner may create up to [`LEASE`] rows (fewer near the maximum) before
//! the next count. So most creates cost no query. At the maximum, each attempt counts again, so deleting rows helps at
//! once.
//! **Limits**: the maximum is a bound against abuse, not an exact number. Each replica counts for itself, so an owner
//! can exceed the maximum by [`LEASE`] rows per additional replica. Requests that run during a count can exceed it too.
//! **ASVS**: 2.4.1, 15.2.2 · **Test**: `attacks::limits::row_quotas`

mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgConnection;

pub(crate) use self::store::count_rows;
use crate::base::id::UserId;
use crate::http::error::{ApiError, ApiResult};

/// The error for an owner who has the maximum number of rows.
pub const QUOTA_EXCEEDED: ApiError = ApiError::Conflict { code: "quota_exceeded", title: "The quota is used up" };

/// The number of rows that an owner may create before the service counts the rows again.
pub const LEASE: i64 = 1_000;

/// Rows that have a quota.
pub trait Counted {
    const TABLE: &'static str;

    /// Returns how many rows the owner has. Stops counting at `max`.
    fn count(connection: &mut PgConnection, owner: UserId, max: i64) -> impl Future<Output = Result<i64, sqlx::Error>>;
}

/// The quotas, and how many rows each owner may create until the next count.
#[derive(Clone)]
pub struct RowQuotas {
    /// The maximum number of rows of an owner in each table.
    max: i64,
    leases: Arc<Mutex<HashMap<(UserId, &'static str), i64>>>,
}

impl RowQuotas {
    /// Creates quotas with these maximums.
    #[must_use]
    pub fn new(max: i64) -> Self {
        Self { max, leases: Arc::default() }
    }

    /// Checks that the owner may create one more row. Call this in the transaction that creates the row.
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
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).insert((owner, R::TABLE), left - 1);
        Ok(())
    }

    fn take(&self, owner: UserId, table: &'static str) -> bool {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        match leases.get_mut(&(owner, table)) {
            Some(left @ 1..) => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Forgets all counts. The next counts include the rows that other replicas have created, and the memory stays
    /// bounded.
    pub fn sweep(&self) {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
