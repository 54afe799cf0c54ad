//! Delivers change notifications of the database to the sockets of the object's owner, and to no other.

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

/// Limits concurrent reads for sockets, so that they cannot use up the connection pool.
const MAX_CONCURRENT_READS: usize = 4;

/// What a socket receives from the hub.
#[derive(Clone, Copy, Debug)]
pub enum Notification {
    Change(Change),
    /// Changes may have been missed.
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

    /// Dispatches notifications until the listener ends.
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
                // Resync once the listener is back, not when it was lost: a read in between could still miss changes.
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
        if let Some(channels) = self.lock().get(&change.owner) {
            // Fails only if the last receiver has just been dropped.
            let _ = channels.send(Notification::Change(*change));
        }
    }

    /// Asks the clients of all sockets to read their objects again, because changes may have been missed.
    pub fn resync(&self) {
        for channels in self.lock().values() {
            let _ = channels.send(Notification::Resync);
        }
    }

    /// Subscribes one socket to changes of this user's objects.
    pub fn subscribe(self: &Arc<Self>, user: UserId) -> EventReceiver {
        let sender = || broadcast::Sender::new(MAX_QUEUED_CHANGES);
        let receiver = self.lock().entry(user).or_insert_with(sender).subscribe();
        EventReceiver { live: self.clone(), user, receiver: Some(receiver) }
    }

    /// Becomes true when the service shuts down.
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
    receiver: Option<broadcast::Receiver<Notification>>,
}

impl EventReceiver {
    /// Returns the next notification. A socket that falls behind gets [`Notification::Resync`] for what it missed.
    pub async fn next(&mut self) -> Notification {
        match self.receiver.as_mut() {
            Some(receiver) => match receiver.recv().await {
                Ok(notification) => notification,
                Err(RecvError::Lagged(_)) => {
                    *receiver = receiver.resubscribe();
                    Notification::Resync
                }
                Err(RecvError::Closed) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

impl Drop for EventReceiver {
    fn drop(&mut self) {
        let mut channels = self.live.lock();
        self.receiver = None;
        if channels.get(&self.user).is_some_and(|channels| channels.receiver_count() == 0) {
            channels.remove(&self.user);
        }
    }
}
