//! Polls the database for ended sessions, once per second.
//!
//! The reader has its own connection. If it used the pool, it would have to wait for a connection under load, and the
//! cache would expire. Then each request would query the database and increase the load further.

use std::io;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{Revocations, store};
use crate::base::id::SessionId;
use crate::db::pool::connect_apart;

const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The timeout of the query. The time to connect does not count. The result of a slower query would be too old to use
/// when it arrives ([`super::MAX_AGE`]).
const POLL_TIMEOUT: Duration = Duration::from_secs(2);

/// The name by which operators recognize this connection in `pg_stat_activity`.
const APPLICATION_NAME: &str = "strongroom ended sessions";

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
    pub async fn poll_ended_sessions(&self) {
        let mut reader = Reader::default();
        let mut tick = interval(POLL_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let was_connected = reader.connection.is_some();
            let Err(error) = self.poll_once(&mut reader).await else { continue };
            // Begin with the first transaction again: after a restore or a failover, transaction ids may be lower than
            // the position of the last poll.
            reader = Reader::default();
            if was_connected {
                tracing::warn!(
                    %error,
                    "failed to poll ended sessions; each request queries the database until the next poll"
                );
            }
        }
    }

    async fn poll_once(&self, reader: &mut Reader) -> Result<(), sqlx::Error> {
        let mut connection = match reader.connection.take() {
            Some(connection) => connection,
            None => connect_apart(&self.pool, APPLICATION_NAME).await?,
        };
        let started_at = self.clock.now();
        let polled = timeout(POLL_TIMEOUT, store::ended_from(&mut connection, &reader.position)).await;
        let batch = polled.map_err(io::Error::from)??;
        self.mark_ended(batch.sessions.into_iter().map(SessionId::from));
        self.set_polled_at(started_at);
        *reader = Reader { connection: Some(connection), position: batch.next };
        Ok(())
    }
}
