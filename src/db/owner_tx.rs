//! Owner-scoped transactions: the only way to access tables with an owner (row-level security).
//!
//! The policies read `app.owner_id`. It is set locally (`SET LOCAL`), in the same round trip as BEGIN. A session-wide setting would
//! survive COMMIT, and the next request on the connection would inherit the user. A read costs two round trips, because a
//! dropped transaction is rolled back after the reply.

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, SqlSafeStr, Transaction};

use super::begin_with;
use crate::base::id::UserId;

/// A transaction that can read and write only one owner's rows. Dropping it without [`commit`](Self::commit) rolls back.
pub struct OwnerTx {
    transaction: Transaction<'static, Postgres>,
}

impl OwnerTx {
    /// Begins a transaction for this owner.
    ///
    /// # Errors
    /// No connection was free in time, or the database is unavailable.
    #[allow(clippy::disallowed_methods, reason = "SET LOCAL takes no parameters; a UUID needs no escaping")]
    pub async fn begin(pool: &PgPool, owner: UserId) -> Result<Self, sqlx::Error> {
        let begin = format!("begin; set local app.owner_id = '{}'", owner.uuid());
        let transaction = begin_with(pool, AssertSqlSafe(begin).into_sql_str()).await?;
        Ok(Self { transaction })
    }

    /// Returns the connection to run statements on.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Commits.
    ///
    /// # Errors
    /// A deferred constraint failed, or the connection was lost. In the second case it is unknown whether the commit took place.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }
}
