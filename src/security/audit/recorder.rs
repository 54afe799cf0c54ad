//! The event recorder: a bounded queue, and one writer that stores events in batches (CWE-778, CWE-400, API4:2023).
//!
//! **Attack**: an attacker causes so many refusals that recording them slows down all requests.
//! Or an attack during a database outage leaves no trace.
//! **Control**: a request puts its event in a queue and does not wait for the database.
//! One writer collects events for 25 ms, looks up the owners of denied objects, and writes up to 500 rows in one
//! transaction. It retries while the database is unavailable.
//! If the queue is full, events are [aggregated](super::aggregates).
//! Events that cannot be aggregated are then lost. The log reports the first loss, and a later event reports how many
//! events were lost.
//! **Limits**: if the process is killed, queued events are not stored, but their log lines exist
//! (`docs/security-events.md` states the maximum delay). Critical actions do not use the queue:
//! [`Event::record_in`](super::event::Event::record_in) writes their event in the transaction of the action.
//! **ASVS**: 16.2.1, 16.4.1 · **Test**: `attacks::audit::security_events`

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::aggregates::{AggregateKey, Aggregates};
use super::entry::{Entry, Task};
use super::kinds::EventKind;
use crate::base::clock::Clock;
use crate::security::crypto::keys::Keys;

/// The maximum length of the queue. An entry has about 1 KiB, so a full queue takes about 10 MiB.
pub const MAX_QUEUED: usize = 10_000;
const MAX_BATCH_ROWS: usize = 500;
/// How long the writer collects events, so that a burst of events is written in one transaction.
const BATCH_DELAY: Duration = Duration::from_millis(25);
const WINDOW_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Accepts the security events of all requests. All clones share one queue.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

struct Shared {
    pending: Mutex<Pending>,
    arrived: Notify,
    closed: AtomicBool,
    /// The number of lost events that no `sys_audit_lost` event has reported yet.
    lost: AtomicU64,
    lost_total: AtomicU64,
    keys: Arc<Keys>,
    clock: Clock,
    replica: String,
}

#[derive(Default)]
struct Pending {
    queue: VecDeque<Entry>,
    aggregates: Aggregates,
}

impl Pending {
    /// Returns whether the queue has space for an event. Low-priority events may only fill half of the queue.
    /// So a flood of anonymous requests cannot displace the events of an attack on a user.
    fn has_room(&self, is_low_priority: bool) -> bool {
        self.queue.len() < if is_low_priority { MAX_QUEUED / 2 } else { MAX_QUEUED }
    }
}

impl Recorder {
    #[must_use]
    pub fn new(keys: Arc<Keys>, clock: Clock, replica: String) -> Self {
        Self(Arc::new(Shared {
            pending: Mutex::default(),
            arrived: Notify::new(),
            closed: AtomicBool::new(false),
            lost: AtomicU64::new(0),
            lost_total: AtomicU64::new(0),
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

    /// Queues an event. If the queue is full, counts the event as lost, because a request must not wait for the queue.
    pub(super) fn enqueue(&self, entry: Entry) {
        let mut pending = self.0.pending.lock();
        if pending.has_room(is_low_priority(entry.kind, entry.user.is_some())) {
            pending.queue.push_back(entry);
            drop(pending);
            self.0.arrived.notify_one();
        } else if entry.task != Task::Count {
            drop(pending);
            self.count_lost(1);
        }
    }

    /// Adds an event to its aggregate during a flood of equal events, or if the queue is full.
    /// Returns `false` if the event must get its own row.
    pub(super) fn aggregate(&self, key: AggregateKey) -> bool {
        let mut pending = self.0.pending.lock();
        let is_low_priority = is_low_priority(key.kind, key.user.is_some());
        let has_room = pending.has_room(is_low_priority);
        let aggregated = pending.aggregates.add(key, is_low_priority, has_room, self.0.clock.now());
        drop(pending);
        if aggregated {
            self.0.arrived.notify_one();
        }
        aggregated
    }

    pub(in crate::security) fn count_lost(&self, number: u64) {
        self.0.lost_total.fetch_add(number, Ordering::Relaxed);
        if self.0.lost.fetch_add(number, Ordering::Relaxed) == 0 {
            tracing::error!("security events are lost: only the log contains them");
        }
    }

    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.pending.lock().queue.len()
    }

    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost_total.load(Ordering::Relaxed)
    }

    /// Returns how many events were lost since the previous call.
    pub(in crate::security) fn take_lost(&self) -> u64 {
        self.0.lost.swap(0, Ordering::Relaxed)
    }

    /// Removes the next events and aggregates from memory, for the writer.
    /// After [`close`](Self::close), also ends the aggregation window, so that no aggregate is lost.
    pub(in crate::security) fn next_batch(&self) -> (Vec<Entry>, Vec<(AggregateKey, u64, Task)>) {
        let (now, closed) = (self.0.clock.now(), self.is_closed());
        let mut pending = self.0.pending.lock();
        let number = pending.queue.len().min(MAX_BATCH_ROWS);
        let batch = pending.queue.drain(..number).collect();
        let is_over = closed || pending.aggregates.is_over(now);
        let uncounted = pending.aggregates.take_uncounted(if is_over { usize::MAX } else { MAX_BATCH_ROWS });
        let amounts = if is_over { pending.aggregates.take_amounts() } else { Vec::new() };
        drop(pending);
        let with = |task| move |(key, amount)| (key, amount, task);
        let aggregates = uncounted.into_iter().map(with(Task::Count)).chain(amounts.into_iter().map(with(Task::Write)));
        (batch, aggregates.collect())
    }

    /// Waits until there are new events, or until the aggregation window may have ended.
    pub(in crate::security) async fn wait_for_events(&self) {
        let idle = self.0.pending.lock().aggregates.is_empty();
        let arrived = self.0.arrived.notified();
        if idle {
            arrived.await;
        } else if tokio::time::timeout(WINDOW_CHECK_INTERVAL, arrived).await.is_err() {
            return;
        }
        if !self.is_closed() {
            tokio::time::sleep(BATCH_DELAY).await;
        }
    }

    /// Stops the writer as soon as the queue is empty.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.arrived.notify_one();
    }

    pub(in crate::security) fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }
}

/// Returns whether an event has low priority, because a client can cause any number of such events: events of anonymous
/// clients, and events about rate limits or invalid input.
fn is_low_priority(kind: EventKind, names_user: bool) -> bool {
    !names_user || matches!(kind, EventKind::ExcessRateLimitExceeded | EventKind::InputValidationFail)
}
