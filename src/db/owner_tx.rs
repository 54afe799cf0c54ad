//! Owner-scoped transactions and row-level security (BOLA, IDOR) (CWE-639, CWE-284, API1:2023).
//!
//! **Attack**: a statement that forgets its owner returns or changes rows of other users.
//! **Control**: an owned table can be reached only by a transaction in which `app.owner_id` is set. The policies of row-level
//! security read this setting; unset means no rows. It is set *locally*, in the same round trip as BEGIN: a session-wide setting
//! would survive COMMIT, and the connection's next request would inherit the user. A dropped transaction is rolled back after the
//! reply.
//! **Limits**: the identity tables have no owner and no policy; their statements are listed in `contract::sql_scope`.
//! **ASVS**: 8.2.2, 8.3.1, 8.4.1 · **Test**: `contract::database_walls`, `contract::sql_scope`, `attacks::authorization::object_level`

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
