//! Where announcements become messages: each goes to its owner's sockets and to nobody else's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, broadcast, watch};

use super::model::Change;
use super::objects::Objects;
use crate::base::clock::Clock;
use crate::base::id::UserId;
use crate::db::announcements::ListenerEvent;
use crate::security::sessions::revocations::Revocations;
use crate::security::sessions::tickets::Tickets;
use crate::security::websockets::{MOST_WAITING_CHANGES, Places};

/// Where `announce_change()` notifies.
pub const CHANNEL: &str = "object_changed";

/// Reads for sockets at once: what is announced must not take the pool from the requests.
const READS_AT_ONCE: usize = 4;

/// What a socket hears.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    Change(Change),
    /// Something may have been missed.
    Resync,
}

/// What all sockets of a process share.
pub struct Live {
    pub tickets: Tickets,
    pub objects: Objects,
    pub revocations: Arc<Revocations>,
    pub clock: Clock,
    pub places: Arc<Places>,
    pub reads: Semaphore,
    listeners: Mutex<HashMap<UserId, broadcast::Sender<Told>>>,
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
            places: Arc::default(),
            reads: Semaphore::new(READS_AT_ONCE),
            listeners: Mutex::default(),
            closing: watch::Sender::new(false),
        }
    }

    /// Follows the announcements until they end.
    pub async fn follow(&self, mut announcements: broadcast::Receiver<ListenerEvent>) {
        let mut missed = false;
        loop {
            match announcements.recv().await {
                Ok(ListenerEvent::Notification { channel, payload }) if *channel == *CHANNEL => {
                    if let Ok(change) = payload.parse() {
                        self.tell(&change);
                    }
                }
                Ok(ListenerEvent::Notification { .. }) => {}
                Ok(ListenerEvent::Disconnected) => missed = true,
                // Now, not when it was lost: a read that is older than the first announcement heard would miss what is between.
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

    fn tell(&self, change: &Change) {
        if let Some(listeners) = self.lock().get(&change.owner) {
            // Nobody may be left.
            let _ = listeners.send(Told::Change(*change));
        }
    }

    /// Asks the clients of all sockets to read their objects again, because changes may have been missed.
    pub fn resync(&self) {
        for listeners in self.lock().values() {
            let _ = listeners.send(Told::Resync);
        }
    }

    /// An ear for one socket of this user.
    pub fn listen(self: &Arc<Self>, user: UserId) -> Ear {
        let sender = || broadcast::Sender::new(MOST_WAITING_CHANGES);
        let heard = self.lock().entry(user).or_insert_with(sender).subscribe();
        Ear { live: self.clone(), user, heard: Some(heard) }
    }

    /// Whether, and when, the service ends.
    #[must_use]
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Says goodbye on every socket, and lets no other come.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, broadcast::Sender<Told>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one socket hears with. The last of a user takes his entry with it.
pub struct Ear {
    live: Arc<Live>,
    user: UserId,
    heard: Option<broadcast::Receiver<Told>>,
}

impl Ear {
    /// The next that is told. A socket that is behind is told to read again instead of everything that it missed.
    pub async fn next(&mut self) -> Told {
        match self.heard.as_mut() {
            Some(heard) => match heard.recv().await {
                Ok(told) => told,
                Err(RecvError::Lagged(_)) => {
                    *heard = heard.resubscribe();
                    Told::Resync
                }
                Err(RecvError::Closed) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let mut listeners = self.live.lock();
        self.heard = None;
        if listeners.get(&self.user).is_some_and(|listeners| listeners.receiver_count() == 0) {
            listeners.remove(&self.user);
        }
    }
}
