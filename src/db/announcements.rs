//! What `NOTIFY` announces, heard on one connection a process and passed on to whoever follows.
//!
//! Silence proves nothing: behind a pooler that forgets `LISTEN` the connection is fine and nothing ever arrives. So a
//! heartbeat crosses the same connection every few seconds, and while it is missing the followers are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;

const HEARTBEAT: &str = "heartbeat";
const HEARTBEAT_EVERY: Duration = Duration::from_secs(3);
const SILENT_AFTER: Duration = Duration::from_secs(8);
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What one follower may have waiting; beyond it, it is told that it missed something.
const WAITING: usize = 4_096;

/// One thing that was heard.
#[derive(Clone, Debug)]
pub enum Heard {
    /// A heartbeat came through: announcements are heard from before now on.
    Alive,
    /// An announcement on one of the channels.
    Said { channel: Arc<str>, payload: Arc<str> },
    /// Nothing is heard until the next [`Heard::Alive`]; what is announced meanwhile is missed.
    Lost,
}

/// The one listening connection.
pub struct Announcements {
    pool: PgPool,
    channels: Vec<&'static str>,
    followers: broadcast::Sender<Heard>,
    heard: AtomicBool,
}

impl Announcements {
    /// For these channels. Nothing is connected yet.
    #[must_use]
    pub fn new(pool: PgPool, channels: Vec<&'static str>) -> Self {
        Self { pool, channels, followers: broadcast::Sender::new(WAITING), heard: AtomicBool::new(false) }
    }

    /// Everything that is heard from now on.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Heard> {
        self.followers.subscribe()
    }

    /// Whether announcements come through now.
    #[must_use]
    pub fn heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// Hears until it is dropped; reconnects by itself.
    pub async fn listen(&self) {
        loop {
            if let Err(error) = self.hear().await {
                // PostgreSQL's own text can hold a row's values.
                let code = error.as_database_error().and_then(|error| error.code()).map(String::from);
                let cause = code.unwrap_or_else(|| error.to_string());
                tracing::warn!(cause, "announcements are not heard, the listener is down");
            }
            self.heard.store(false, Ordering::Relaxed);
            self.tell(Heard::Lost);
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    /// One connection's life.
    async fn hear(&self) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen_all(self.channels.iter().copied().chain([HEARTBEAT])).await?;
        // Side by side: a heartbeat that waits for a busy database must not keep announcements waiting behind it.
        tokio::select! {
            ended = self.beat() => ended,
            ended = self.pass_on(&mut listener) => ended,
        }
    }

    async fn beat(&self) -> Result<(), sqlx::Error> {
        let mut heartbeat = tokio::time::interval(HEARTBEAT_EVERY);
        loop {
            heartbeat.tick().await;
            sqlx::query!("select pg_notify($1, '')", HEARTBEAT).fetch_one(&self.pool).await?;
        }
    }

    /// Until the heartbeat is missing or the connection ends.
    async fn pass_on(&self, listener: &mut PgListener) -> Result<(), sqlx::Error> {
        let mut silent = Box::pin(tokio::time::sleep(SILENT_AFTER));
        loop {
            let message = tokio::select! {
                () = &mut silent => return Ok(()),
                message = listener.try_recv() => message?,
            };
            let Some(message) = message else { return Ok(()) };
            if message.channel() == HEARTBEAT {
                silent = Box::pin(tokio::time::sleep(SILENT_AFTER));
                self.heard.store(true, Ordering::Relaxed);
                self.tell(Heard::Alive);
            } else {
                self.tell(Heard::Said { channel: message.channel().into(), payload: message.payload().into() });
            }
        }
    }

    fn tell(&self, heard: Heard) {
        // Nobody may be following yet.
        let _ = self.followers.send(heard);
    }
}
