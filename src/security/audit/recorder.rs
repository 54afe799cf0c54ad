//! Events become rows beside the request: a bounded queue, and one writer who empties it in batches.
//!
//! **Attack**: so many refusals that recording them slows everybody; a database that is away, so that what happened meanwhile is
//! never known.
//! **Control**: a request only puts its event into the queue. The writer waits a moment for more, finds out whose the
//! denied objects are, writes up to 500 in a transaction, and tries again until the database takes them. With a full queue,
//! events are [tallied](super::tallies); those that cannot be are lost and counted. The log says so at once, and an event says
//! the number once there is room.
//! **Limits**: what waits when the process is killed (`docs/security-events.md` says how long that is at most); the line in
//! the log is there all the same. What must not be lost is not here: see [`Event::keep`](super::event::Event::keep).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::entry::{Entry, Task};
use super::kinds::EventKind;
use super::tallies::{Key, Tallies};
use crate::base::clock::Clock;
use crate::security::crypto::keys::Keys;

/// Events that may wait. Beyond them they are counted, not kept: at 1 KiB each it is the memory that an attacker can take.
pub const MOST_WAITING: usize = 10_000;
/// Rows of one transaction.
const MOST_AT_ONCE: usize = 500;
/// How long the writer waits for more before it writes.
const LINGER: Duration = Duration::from_millis(25);
/// How often the writer looks whether the tallies' window is over.
const WINDOW_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Where events are handed in. Clones share one queue.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

struct Shared {
    pending: Mutex<Pending>,
    arrived: Notify,
    closed: AtomicBool,
    /// Since it was last told.
    lost: AtomicU64,
    lost_in_all: AtomicU64,
    keys: Arc<Keys>,
    clock: Clock,
    replica: String,
}

#[derive(Default)]
struct Pending {
    queue: VecDeque<Entry>,
    tallies: Tallies,
}

impl Pending {
    /// Half of the room is for what a user did or suffered: a flood that hid it would be where to walk through ids.
    fn has_room(&self, is_at_will: bool) -> bool {
        self.queue.len() < if is_at_will { MOST_WAITING / 2 } else { MOST_WAITING }
    }
}

impl Recorder {
    /// With an empty queue.
    #[must_use]
    pub fn new(keys: Arc<Keys>, clock: Clock, replica: String) -> Self {
        Self(Arc::new(Shared {
            pending: Mutex::default(),
            arrived: Notify::new(),
            closed: AtomicBool::new(false),
            lost: AtomicU64::new(0),
            lost_in_all: AtomicU64::new(0),
            keys,
            clock,
            replica,
        }))
    }

    pub(in crate::security) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    pub(in crate::security) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn replica(&self) -> &str {
        &self.0.replica
    }

    /// Takes an event, or counts it as lost. Never waits.
    pub(super) fn hand(&self, entry: Entry) {
        let mut pending = self.pending();
        if pending.has_room(is_at_will(entry.kind, entry.user.is_some())) {
            pending.queue.push_back(entry);
            drop(pending);
            self.0.arrived.notify_one();
        } else if entry.task != Task::Count {
            drop(pending);
            self.lose(1);
        }
    }

    /// Adds an event to its tally if too many were alike, or if the queue is full. False: it is to be recorded by itself.
    pub(super) fn tally(&self, key: Key) -> bool {
        let mut pending = self.pending();
        let is_at_will = is_at_will(key.kind, key.user.is_some());
        let has_room = pending.has_room(is_at_will);
        let tallied = pending.tallies.add(key, is_at_will, has_room, self.0.clock.now());
        drop(pending);
        if tallied {
            self.0.arrived.notify_one();
        }
        tallied
    }

    /// Counts events as lost.
    pub(in crate::security) fn lose(&self, number: u64) {
        self.0.lost_in_all.fetch_add(number, Ordering::Relaxed);
        if self.0.lost.fetch_add(number, Ordering::Relaxed) == 0 {
            tracing::error!("security events are being lost: they are in the log alone");
        }
    }

    /// How many wait (metrics).
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.pending().queue.len()
    }

    /// How many were lost since the start (metrics).
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost_in_all.load(Ordering::Relaxed)
    }

    /// How many were lost since this was last asked.
    pub(in crate::security) fn take_lost(&self) -> u64 {
        self.0.lost.swap(0, Ordering::Relaxed)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is to be written and counted now: events, and tallies with their amount. At the end of the service the window
    /// of the tallies is over, too.
    pub(in crate::security) fn take(&self) -> (Vec<Entry>, Vec<(Key, u64, Task)>) {
        let (now, closed) = (self.0.clock.now(), self.is_closed());
        let mut pending = self.pending();
        let number = pending.queue.len().min(MOST_AT_ONCE);
        let batch = pending.queue.drain(..number).collect();
        let is_over = closed || pending.tallies.is_over(now);
        let uncounted = pending.tallies.take_uncounted(if is_over { usize::MAX } else { MOST_AT_ONCE });
        let amounts = if is_over { pending.tallies.take_amounts() } else { Vec::new() };
        drop(pending);
        let with = |task| move |(key, amount)| (key, amount, task);
        let tallies = uncounted.into_iter().map(with(Task::Count)).chain(amounts.into_iter().map(with(Task::Write)));
        (batch, tallies.collect())
    }

    /// Until there may be something to take.
    pub(in crate::security) async fn arrived(&self) {
        let idle = self.pending().tallies.is_empty();
        let arrived = self.0.arrived.notified();
        if idle {
            arrived.await;
        } else if tokio::time::timeout(WINDOW_CHECK_INTERVAL, arrived).await.is_err() {
            return;
        }
        if !self.is_closed() {
            tokio::time::sleep(LINGER).await;
        }
    }

    /// The service ends: the writer ends too, once the queue is empty.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.arrived.notify_one();
    }

    /// Whether the service ends.
    pub(in crate::security) fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }
}

/// Whether anybody can cause such events as fast as they send: without an account, or with any.
fn is_at_will(kind: EventKind, names_user: bool) -> bool {
    !names_user || matches!(kind, EventKind::ExcessRateLimitExceeded | EventKind::InputValidationFail)
}
