//! Reads, each second, the sessions that have ended since the read before.
//!
//! It has a connection of its own: when requests use up the pool, a read that waited for one of theirs would be late, and each
//! of them would need one statement more.

use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{Revocations, store};
use crate::base::id::SessionId;

const READ_INTERVAL: Duration = Duration::from_secs(1);
/// A read that takes longer would be too old to count.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// How PostgreSQL lists the connection.
const APPLICATION_NAME: &str = "strongroom ended sessions";

/// Its connection, and where its next read begins.
struct Reader {
    connection: Option<PgConnection>,
    position: String,
}

impl Default for Reader {
    fn default() -> Self {
        Self { connection: None, position: "0".to_owned() }
    }
}

impl Revocations {
    /// Reads each second. Never returns.
    pub async fn read_ends(&self) {
        let mut reader = Reader::default();
        let mut tick = interval(READ_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let was_connected = reader.connection.is_some();
            let cause = match timeout(READ_TIMEOUT, self.read_once(&mut reader)).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it took too long".to_owned(),
            };
            // From the beginning: the database may be another one now, restored or failed over, whose transactions count anew.
            reader = Reader::default();
            if was_connected {
                tracing::warn!(
                    cause,
                    "failed to read ended sessions; each request asks the database until the next read"
                );
            }
        }
    }

    async fn read_once(&self, reader: &mut Reader) -> Result<(), sqlx::Error> {
        let mut connection = match reader.connection.take() {
            Some(connection) => connection,
            None => {
                let options = self.pool.connect_options();
                PgConnection::connect_with(&options.as_ref().clone().application_name(APPLICATION_NAME)).await?
            }
        };
        let began = self.clock.now();
        let ends = store::ended_from(&mut connection, &reader.position).await?;
        self.note_all(ends.sessions.into_iter().map(SessionId::from));
        self.read_began(began);
        *reader = Reader { connection: Some(connection), position: ends.next };
        Ok(())
    }
}
