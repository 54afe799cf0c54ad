//! Delivers each change to the sockets of the object's owner, and to no other sockets (BOLA).
//! Only sockets of administrators receive alerts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::PgPool;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::model::Change;
use super::reader::ChangeReader;
use crate::base::clock::Clock;
use crate::base::id::UserId;
use crate::security::authorization::administrators::Administrators;
use crate::security::sessions::revocations::Revocations;
use crate::security::sessions::tickets::Tickets;
use crate::security::websockets::{ConnectionPermits, MAX_QUEUED_CHANGES};

/// The time between two reads of the changes. An event is delayed by at most about this time.
const READ_INTERVAL: Duration = Duration::from_millis(100);

const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Limits concurrent database reads of all sockets, so that they cannot exhaust the connection pool.
const MAX_CONCURRENT_READS: usize = 4;

#[derive(Clone, Copy, Debug)]
pub enum Notification {
    Change(Change),
    /// The socket may have missed changes, so the client must read all its objects again.
    Resync,
}

pub struct Live {
    pub tickets: Tickets,
    pub administrators: Administrators,
    pub pool: PgPool,
    pub revocations: Arc<Revocations>,
    pub clock: Clock,
    pub permits: Arc<ConnectionPermits>,
    pub reads: Semaphore,
    channels: Mutex<HashMap<UserId, broadcast::Sender<Notification>>>,
    /// Wakes receivers after each read of the changes.
    change_reads: watch::Sender<()>,
    closing: watch::Sender<bool>,
}

impl Live {
    #[must_use]
    pub fn new(
        tickets: Tickets,
        administrators: Administrators,
        pool: PgPool,
        revocations: Arc<Revocations>,
        clock: Clock,
    ) -> Self {
        Self {
            tickets,
            administrators,
            pool,
            revocations,
            clock,
            permits: Arc::default(),
            reads: Semaphore::new(MAX_CONCURRENT_READS),
            channels: Mutex::default(),
            change_reads: watch::Sender::new(()),
            closing: watch::Sender::new(false),
        }
    }

    /// Reads and publishes changes, as long as at least one socket exists. Never returns.
    pub async fn follow(&self, mut reader: ChangeReader) {
        let mut tick = interval(READ_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if self.channels.lock().is_empty() {
                reader.reset();
                continue;
            }
            let had_read = reader.has_read();
            match reader.read().await {
                Ok(Some(changes)) => changes.iter().for_each(|change| self.publish(change)),
                Ok(None) => self.resync(),
                Err(error) => {
                    if had_read {
                        tracing::warn!(%error, "failed to read changes; clients are asked to resync after the next read");
                    }
                    sleep(RETRY_DELAY).await;
                    continue;
                }
            }
            self.change_reads.send_replace(());
        }
    }

    fn publish(&self, change: &Change) {
        if let Some(channel) = self.channels.lock().get(&change.owner) {
            // Sending fails only if the last receiver was just dropped. Then no socket needs the change.
            let _ = channel.send(Notification::Change(*change));
        }
    }

    /// Asks all clients to read their objects again, because their sockets may have missed changes.
    pub fn resync(&self) {
        for channel in self.channels.lock().values() {
            let _ = channel.send(Notification::Resync);
        }
    }

    /// Returns a receiver of the user's notifications. Call [`EventReceiver::start`] to discard earlier changes.
    pub fn subscribe(self: &Arc<Self>, user: UserId) -> EventReceiver {
        let sender = || broadcast::Sender::new(MAX_QUEUED_CHANGES);
        let receiver = self.channels.lock().entry(user).or_insert_with(sender).subscribe();
        EventReceiver { live: self.clone(), user, receiver: Some(receiver) }
    }

    /// Returns a receiver whose value becomes true when the service shuts down.
    #[must_use]
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Closes all sockets and refuses new ones (graceful shutdown).
    pub fn close(&self) {
        self.closing.send_replace(true);
    }
}

/// Receives the notifications for one socket. Dropping the last receiver of a user deletes the user's channel.
pub struct EventReceiver {
    live: Arc<Live>,
    user: UserId,
    /// `None` only while this struct is dropped.
    receiver: Option<broadcast::Receiver<Notification>>,
}

impl EventReceiver {
    /// Waits until the [`ChangeReader`] has read all earlier changes, and discards them.
    pub async fn start(&mut self) {
        let mut reads = self.live.change_reads.subscribe();
        // Wait for two reads. The first may have begun before this call, so it may lack the newest changes.
        for _ in 0..2 {
            // An error means that the service is shutting down.
            let _ = reads.changed().await;
        }
        self.receiver = self.receiver.as_ref().map(broadcast::Receiver::resubscribe);
    }

    /// A socket that reads too slowly misses notifications, and receives [`Notification::Resync`] instead.
    pub async fn next(&mut self) -> Notification {
        let Some(receiver) = &mut self.receiver else { return std::future::pending().await };
        match receiver.recv().await {
            Ok(notification) => notification,
            Err(RecvError::Lagged(_)) => {
                *receiver = receiver.resubscribe();
                Notification::Resync
            }
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Drop for EventReceiver {
    fn drop(&mut self) {
        let mut channels = self.live.channels.lock();
        // Drop this receiver first, because the count below must not include it.
        self.receiver = None;
        if channels.get(&self.user).is_some_and(|channel| channel.receiver_count() == 0) {
            channels.remove(&self.user);
        }
    }
}
