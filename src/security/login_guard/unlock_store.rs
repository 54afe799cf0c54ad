//! Locks as administrators see them, and how they lift one.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::LoginGuard;
use super::store::ceilings;
use crate::http::error::ApiResult;

impl LoginGuard {
    /// Which of these accounts (`account_of`) are locked for unknown clients now.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn locked(&self, accounts: &[[u8; 32]]) -> ApiResult<HashSet<Vec<u8>>> {
        let keys: Vec<Vec<u8>> = accounts.iter().map(|key| key.to_vec()).collect();
        let (ceiling, _) = ceilings(&self.settings);
        let locked = sqlx::query_scalar!(
            "select key from failed_sign_ins
             where key = any($1) and expires_at > $2 and (held_until > $2 or (kind = 'unknown' and failures >= $3))",
            &keys,
            self.clock.now(),
            ceiling
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(locked.into_iter().collect())
    }

    /// Lifts the locks of these accounts, within a transaction, also at each place where one has used up its failures. What an
    /// address has against it, whoever it tried, stays there and ends by itself.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn unlock(&self, connection: &mut PgConnection, accounts: &[[u8; 32]]) -> ApiResult<()> {
        let keys: Vec<Vec<u8>> = accounts.iter().map(|key| key.to_vec()).collect();
        // Locked in the guard's own order, so that nobody who fails meanwhile waits in a circle.
        sqlx::query!(
            "delete from failed_sign_ins f using (
                 select kind, key from failed_sign_ins
                 where (kind in ('account', 'unknown', 'known') and key = any($1)) or account = any($1)
                 order by kind <> 'pair', key, kind for update) mine
             where f.kind = mine.kind and f.key = mine.key",
            &keys
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
