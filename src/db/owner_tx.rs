//! The only way to touch a table that has an owner: a transaction in which `app.owner_id` is set.
//!
//! Row-level security reads that setting. It is set *locally*, in the same round trip as BEGIN: a session-wide one would
//! survive COMMIT, and the connection's next request would inherit the user. Two round trips a read
//! instead of four is what keeps this wall cheap: a dropped transaction is rolled back after the reply.

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, SqlSafeStr, Transaction};

use super::begin_with;
use crate::base::id::UserId;

/// A transaction that sees and writes one owner's rows and nobody else's. Dropped without [`commit`](Self::commit),
/// it keeps nothing.
pub struct OwnerTx {
    transaction: Transaction<'static, Postgres>,
}

impl OwnerTx {
    /// Begins, for this owner.
    ///
    /// # Errors
    /// No connection within the pool's time, or the database is gone.
    #[allow(
        clippy::disallowed_methods,
        reason = "SET LOCAL takes no parameter; a UUID's own text has nothing to escape"
    )]
    pub async fn begin(pool: &PgPool, owner: UserId) -> Result<Self, sqlx::Error> {
        let begin = format!("begin; set local app.owner_id = '{}'", owner.uuid());
        let transaction = begin_with(pool, AssertSqlSafe(begin).into_sql_str()).await?;
        Ok(Self { transaction })
    }

    /// Where the statements run.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Keeps what was written.
    ///
    /// # Errors
    /// The database is gone, or refused a deferred check: nothing was kept, or it is unknown whether it was.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }
}
