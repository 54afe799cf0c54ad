//! Owner-scoped transactions and row-level security (BOLA, IDOR) (CWE-639, CWE-284, API1:2023).
//!
//! **Attack**: a statement without a condition on the owner returns or changes rows of other users.
//! **Control**: the rows of an owned table are only visible in a transaction that sets `app.owner_id`.
//! The policies of row-level security read this setting. Without the setting, a statement sees no rows.
//! A write uses an [`OwnerTx`], and a read sets the owner in its own statement ([`owner_query!`](super::owner_query!)).
//! The setting ends with the transaction, even if the transaction is dropped without a commit and so rolled back.
//! A setting of the database session would survive COMMIT.
//! The next request on the same connection would then run with the owner id of the previous request.
//! **Limits**: the identity tables (such as `users`) have no owner and no policy. `contract::sql_scope` lists the
//! statements on these tables.
//! **ASVS**: 8.2.2, 8.3.1, 8.4.1 · **Test**: `contract::database_walls`, `contract::owner_reads`,
//! `contract::sql_scope`, `attacks::authorization::object_level`

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, SqlSafeStr, Transaction};

use super::begin_with;
use crate::base::id::UserId;

/// A transaction that can only read and write the rows of one owner.
/// If it is dropped without [`commit`](Self::commit), it is rolled back.
pub struct OwnerTx {
    transaction: Transaction<'static, Postgres>,
    owner: UserId,
}

impl OwnerTx {
    /// Begins a transaction for this owner.
    ///
    /// # Errors
    /// [`sqlx::Error`] if no connection becomes free in time, or if the database is unavailable.
    #[allow(clippy::disallowed_methods, reason = "SET LOCAL takes no parameters; a UUID needs no escaping")]
    pub async fn begin(pool: &PgPool, owner: UserId) -> Result<Self, sqlx::Error> {
        let begin = format!("begin; set local app.owner_id = '{}'", owner.uuid());
        let transaction = begin_with(pool, AssertSqlSafe(begin).into_sql_str()).await?;
        Ok(Self { transaction, owner })
    }

    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Returns the owner whose rows the transaction can access.
    #[must_use]
    pub fn owner(&self) -> UserId {
        self.owner
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// [`sqlx::Error`] if a deferred constraint is violated, or if the connection is lost (then the result is unknown).
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }
}

impl AsMut<PgConnection> for OwnerTx {
    fn as_mut(&mut self) -> &mut PgConnection {
        self.connection()
    }
}
