//! Receives PostgreSQL notifications (`LISTEN`) on one connection per process, and forwards them to subscribers.
//!
//! A connection pooler can drop `LISTEN` without closing the connection.
//! So the process sends a notification to itself every few seconds (heartbeat), and connects again if no heartbeat
//! arrives.
//! Heartbeats are sent through the pool of the requests. So a heartbeat that arrives proves that requests and listener
//! use the same database.
//!
//! A commit with a notification locks the whole database cluster, so only rare changes send notifications.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;

const HEARTBEAT: &str = "heartbeat";
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(3);
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(8);
const RECONNECT_DELAY: Duration = Duration::from_millis(500);

/// The maximum number of notifications in the queue of one subscriber.
/// Beyond it, the subscriber loses the oldest ones and receives `RecvError::Lagged`.
const MAX_QUEUED: usize = 4_096;

/// Forwards the notifications of one channel to the subscribers in this process.
pub struct NotificationListener {
    pool: PgPool,
    /// The pool of the connection that listens. It differs from `pool` only with a connection pooler.
    listen_pool: PgPool,
    channel: &'static str,
    /// Sends the payload of each notification.
    subscribers: broadcast::Sender<Arc<str>>,
    is_listening: AtomicBool,
}

impl NotificationListener {
    /// Creates a listener, which does not connect yet.
    #[must_use]
    pub fn new(pool: PgPool, listen_pool: PgPool, channel: &'static str) -> Self {
        let (subscribers, is_listening) = (broadcast::Sender::new(MAX_QUEUED), AtomicBool::new(false));
        Self { pool, listen_pool, channel, subscribers, is_listening }
    }

    /// Returns a receiver for the payloads of later notifications.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<str>> {
        self.subscribers.subscribe()
    }

    /// Returns whether a heartbeat has arrived recently.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.is_listening.load(Ordering::Relaxed)
    }

    /// Listens until the future is dropped, and connects again after an error.
    pub async fn listen(&self) {
        loop {
            if let Err(error) = self.listen_once().await {
                // A message of PostgreSQL can contain values of a row, so log only the error code.
                let code = error.as_database_error().and_then(|error| error.code()).map(String::from);
                let cause = code.unwrap_or_else(|| error.to_string());
                tracing::warn!(cause, "listener lost its connection; reconnecting");
            }
            self.is_listening.store(false, Ordering::Relaxed);
            tokio::time::sleep(RECONNECT_DELAY).await;
        }
    }

    async fn listen_once(&self) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.listen_pool).await?;
        listener.listen_all([self.channel, HEARTBEAT]).await?;
        // Sending a heartbeat can wait for the pool. It runs concurrently, so that it does not delay notifications.
        tokio::select! {
            ended = self.send_heartbeats() => ended,
            ended = self.forward(&mut listener) => ended,
        }
    }

    async fn send_heartbeats(&self) -> Result<(), sqlx::Error> {
        let mut heartbeat = tokio::time::interval(HEARTBEAT_INTERVAL);
        loop {
            heartbeat.tick().await;
            sqlx::query!("select pg_notify($1, '')", HEARTBEAT).fetch_one(&self.pool).await?;
        }
    }

    /// Forwards notifications until the connection ends or a heartbeat is missing for [`HEARTBEAT_TIMEOUT`].
    async fn forward(&self, listener: &mut PgListener) -> Result<(), sqlx::Error> {
        let mut timeout = Box::pin(tokio::time::sleep(HEARTBEAT_TIMEOUT));
        loop {
            let message = tokio::select! {
                () = &mut timeout => return Ok(()),
                message = listener.try_recv() => message?,
            };
            let Some(message) = message else { return Ok(()) };
            if message.channel() == HEARTBEAT {
                timeout = Box::pin(tokio::time::sleep(HEARTBEAT_TIMEOUT));
                self.is_listening.store(true, Ordering::Relaxed);
            } else {
                // Sending fails only if there are no subscribers.
                let _ = self.subscribers.send(message.payload().into());
            }
        }
    }
}
