//! Row quotas: how many customers, invoices, payments and credit notes one owner may keep (CWE-770, API4:2023).
//!
//! **Attack**: one account fills the disk of all, within its rate. Documents have a quota of their own (`features/documents`).
//! **Control**: a cap per owner and kind, by setting, a million by default. A counter row would cost each create a write and would
//! make an owner's parallel creates wait for each other. So rows are counted, by an index and no further than the cap. A count
//! is good for as many creates as there is room for, at most [`LEASE`]. Within one process a create costs a look into memory,
//! and one in a thousand a count. At the cap each attempt counts anew, so deleting rows helps at once.
//! **Limits**: a bound against abuse, not an exact number. Other replicas count for themselves, so an owner can exceed the cap by
//! [`LEASE`] rows per further replica, and by the requests that are under way during a count.
//! **ASVS**: 2.4.1, 15.2.2 · **Test**: `attacks::limits::row_quotas`

mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgConnection;

pub use self::store::Rows;
use crate::base::id::UserId;
use crate::config::QuotaSettings;
use crate::http::error::{ApiError, ApiResult};

/// Refuses a row beyond the quota.
pub const QUOTA_EXCEEDED: ApiError = ApiError::Conflict { code: "quota_exceeded", title: "The quota is used up" };

/// For how many creates a count is good at most.
pub const LEASE: i64 = 1_000;

/// The quotas, and how many rows each owner may still create before the next count.
#[derive(Clone)]
pub struct RowQuotas {
    max: QuotaSettings,
    leases: Arc<Mutex<HashMap<(UserId, Rows), i64>>>,
}

impl RowQuotas {
    /// With these caps; nothing is counted yet.
    #[must_use]
    pub fn new(max: QuotaSettings) -> Self {
        Self { max, leases: Arc::default() }
    }

    /// Lets this owner create one more row, inside the transaction that creates it.
    ///
    /// # Errors
    /// A conflict if the owner has as many as the cap.
    pub async fn admit(&self, connection: &mut PgConnection, owner: UserId, rows: Rows) -> ApiResult<()> {
        if self.take(owner, rows) {
            return Ok(());
        }
        let max = match rows {
            Rows::Customers => self.max.customers,
            Rows::Invoices => self.max.invoices,
            Rows::Payments => self.max.payments,
            Rows::CreditNotes => self.max.credit_notes,
        };
        let room = (max - store::count(connection, owner, rows, max).await?).min(LEASE);
        if room <= 0 {
            return Err(QUOTA_EXCEEDED);
        }
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).insert((owner, rows), room - 1);
        Ok(())
    }

    fn take(&self, owner: UserId, rows: Rows) -> bool {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        match leases.get_mut(&(owner, rows)) {
            Some(left @ 1..) => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Forgets all counts: what other replicas have created is seen again, and memory does not grow with the owners.
    pub fn sweep(&self) {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
