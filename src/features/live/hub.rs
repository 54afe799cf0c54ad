//! Delivers the database's notifications of changes to the sockets of the object's owner, and to no other user's
//! sockets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, broadcast, watch};

use super::model::Change;
use super::objects::Objects;
use crate::base::clock::Clock;
use crate::base::id::UserId;
use crate::db::notifications::ListenerEvent;
use crate::security::sessions::revocations::Revocations;
use crate::security::sessions::tickets::Tickets;
use crate::security::websockets::{ConnectionPermits, MAX_QUEUED_CHANGES};

/// The PostgreSQL channel that `announce_change()` notifies.
pub const CHANNEL: &str = "object_changed";

/// The maximum number of concurrent reads for all sockets, so that sockets cannot exhaust the connection pool.
const MAX_CONCURRENT_READS: usize = 4;

/// A notification from the hub to a socket.
#[derive(Clone, Copy, Debug)]
pub enum Notification {
    Change(Change),
    /// The socket may have missed changes: its client must read its objects again.
    Resync,
}

/// State shared by all sockets of a process.
pub struct Live {
    pub tickets: Tickets,
    pub objects: Objects,
    pub revocations: Arc<Revocations>,
    pub clock: Clock,
    pub permits: Arc<ConnectionPermits>,
    pub reads: Semaphore,
    channels: Mutex<HashMap<UserId, broadcast::Sender<Notification>>>,
    closing: watch::Sender<bool>,
}

impl Live {
    #[must_use]
    pub fn new(tickets: Tickets, objects: Objects, revocations: Arc<Revocations>, clock: Clock) -> Self {
        Self {
            tickets,
            objects,
            revocations,
            clock,
            permits: Arc::default(),
            reads: Semaphore::new(MAX_CONCURRENT_READS),
            channels: Mutex::default(),
            closing: watch::Sender::new(false),
        }
    }

    /// Dispatches the database's notifications until the listener ends.
    pub async fn follow(&self, mut announcements: broadcast::Receiver<ListenerEvent>) {
        let mut missed = false;
        loop {
            match announcements.recv().await {
                Ok(ListenerEvent::Notification { channel, payload }) if *channel == *CHANNEL => {
                    if let Ok(change) = payload.parse() {
                        self.publish(&change);
                    }
                }
                Ok(ListenerEvent::Notification { .. }) => {}
                Ok(ListenerEvent::Disconnected) => missed = true,
                // The sockets resync after the listener has reconnected. At the disconnection it would be too early:
                // clients would still miss the changes between their reads and the reconnection.
                Ok(ListenerEvent::Heartbeat) => {
                    if std::mem::take(&mut missed) {
                        self.resync();
                    }
                }
                Err(RecvError::Lagged(_)) => self.resync(),
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn publish(&self, change: &Change) {
        if let Some(channel) = self.lock().get(&change.owner) {
            // Sending fails only if the last receiver has just been dropped.
            let _ = channel.send(Notification::Change(*change));
        }
    }

    /// Asks the clients of all sockets to read their objects again, because changes may have been missed.
    pub fn resync(&self) {
        for channel in self.lock().values() {
            let _ = channel.send(Notification::Resync);
        }
    }

    /// Subscribes one socket to changes of this user's objects.
    pub fn subscribe(self: &Arc<Self>, user: UserId) -> EventReceiver {
        let sender = || broadcast::Sender::new(MAX_QUEUED_CHANGES);
        let receiver = self.lock().entry(user).or_insert_with(sender).subscribe();
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

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, broadcast::Sender<Notification>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Receives notifications for one socket. Dropping a user's last receiver removes the user's channel.
pub struct EventReceiver {
    live: Arc<Live>,
    user: UserId,
    /// `None` only while the receiver is dropped.
    receiver: Option<broadcast::Receiver<Notification>>,
}

impl EventReceiver {
    /// Returns the next notification. A socket that reads too slowly gets [`Notification::Resync`] instead of the
    /// notifications that it has missed.
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
        let mut channels = self.live.lock();
        // The count below must not include this receiver.
        self.receiver = None;
        if channels.get(&self.user).is_some_and(|channel| channel.receiver_count() == 0) {
            channels.remove(&self.user);
        }
    }
}
