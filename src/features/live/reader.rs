//! Reads the changes of all replicas from the database.
//!
//! The reader has its own connection, so that a busy connection pool cannot delay it.
//! Each read returns a PostgreSQL snapshot. The next read returns the changes that this snapshot did not include.
//! After a broken connection, the reader starts again without a snapshot.
//! The old snapshot may be invalid, because transaction ids can be lower after a failover.

use std::io;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use tokio::time::timeout;

use super::model::Change;
use super::store;
use crate::db::pool::connect_apart;

const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// The maximum number of changes in one read, so that a bulk change cannot exhaust the memory.
const MAX_CHANGES: u16 = 4_096;

/// The name by which operators recognize the connection in `pg_stat_activity`.
const APPLICATION_NAME: &str = "strongroom live changes";

pub struct ChangeReader {
    pool: PgPool,
    /// The connection and the snapshot of the last read. `None` after an error or a cancelled read.
    last: Option<(PgConnection, String)>,
}

impl ChangeReader {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, last: None }
    }

    /// Closes the connection and forgets the snapshot.
    pub fn reset(&mut self) {
        self.last = None;
    }

    /// Returns whether a read has succeeded since the last error or reset.
    #[must_use]
    pub fn has_read(&self) -> bool {
        self.last.is_some()
    }

    /// Returns the changes that were committed since the last read.
    /// Returns `None` if changes may be missing: in the first read, and if there were more than [`MAX_CHANGES`].
    pub async fn read(&mut self) -> Result<Option<Vec<Change>>, sqlx::Error> {
        let (mut connection, snapshot) = match self.last.take() {
            Some((connection, snapshot)) => (connection, Some(snapshot)),
            None => (connect_apart(&self.pool, APPLICATION_NAME).await?, None),
        };
        let read = store::changes_since(&mut connection, snapshot.as_deref(), i64::from(MAX_CHANGES) + 1);
        let batch = timeout(READ_TIMEOUT, read).await.map_err(io::Error::from)??;
        self.last = Some((connection, batch.snapshot));
        let is_complete = snapshot.is_some() && batch.changes.len() <= usize::from(MAX_CHANGES);
        Ok(is_complete.then(|| batch.changes.iter().filter_map(|change| change.parse().ok()).collect()))
    }
}
