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

use sqlx::{Acquire, PgPool, PgTransaction};
use tokio::sync::Notify;

use super::entry::{Entry, Task};
use super::event::{Event, EventKind};
use super::store;
use super::tallies::{Key, Tallies};
use crate::base::clock::Clock;
use crate::db::begin;
use crate::db::exhaustion::{Exhaustion, is_exhausted};
use crate::security::crypto::keys::Keys;
use crate::security::detection::rules::Rules;
use crate::security::sessions::revocations::Ended;

/// Events that may wait. Beyond them they are counted, not kept: at 1 KiB each it is the memory that an attacker can take.
pub const MOST_WAITING: usize = 10_000;
/// Rows of one transaction.
const MOST_AT_ONCE: usize = 500;
/// How long the writer waits for more before it writes.
const LINGER: Duration = Duration::from_millis(25);
/// How often the writer looks whether the tallies' window is over.
const WINDOW_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Between two tries while the database does not take them.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

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

    pub(super) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    pub(super) fn clock(&self) -> &Clock {
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
        let is_at_will = is_at_will(key.event.kind, key.event.user.is_some());
        let has_room = pending.has_room(is_at_will);
        let tallied = pending.tallies.add(key, is_at_will, has_room, self.0.clock.now());
        drop(pending);
        if tallied {
            self.0.arrived.notify_one();
        }
        tallied
    }

    fn lose(&self, number: u64) {
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

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be written and counted now. At the end of the service the window of the tallies is over, too.
    fn take(&self) -> Vec<Entry> {
        let (now, closed) = (self.0.clock.now(), self.is_closed());
        let mut pending = self.pending();
        let number = pending.queue.len().min(MOST_AT_ONCE);
        let mut batch: Vec<Entry> = pending.queue.drain(..number).collect();
        let is_over = closed || pending.tallies.is_over(now);
        let uncounted = pending.tallies.take_uncounted(if is_over { usize::MAX } else { MOST_AT_ONCE });
        let amounts = if is_over { pending.tallies.take_amounts() } else { Vec::new() };
        drop(pending);
        for (tallies, task) in [(uncounted, Task::Count), (amounts, Task::Write)] {
            batch.extend(tallies.into_iter().map(|(key, amount)| Event::of_tally(key, amount, task, self)));
        }
        batch
    }

    /// Until there may be something to take.
    async fn arrived(&self) {
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

    fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }
}

/// Empties the queue.
pub struct Writer {
    pub recorder: Recorder,
    pub pool: PgPool,
    pub rules: Rules,
    pub exhaustion: Exhaustion,
}

impl Writer {
    /// Until the recorder is closed and its queue is empty.
    pub async fn run(&self) {
        loop {
            let batch = self.recorder.take();
            if batch.is_empty() {
                if self.recorder.is_closed() {
                    return;
                }
                self.recorder.arrived().await;
                continue;
            }
            self.write(batch).await;
        }
    }

    /// Tries until the database takes them. One that no table takes must not hold up the others: it is lost alone.
    async fn write(&self, batch: Vec<Entry>) {
        let (mut todo, mut away) = (vec![batch], false);
        while let Some(mut batch) = todo.pop() {
            match self.try_write(&mut batch).await {
                Ok(()) => {}
                Err(error) if refuses(&error) && batch.len() > 1 => {
                    let rest = batch.split_off(batch.len() / 2);
                    todo.extend([rest, batch]);
                }
                Err(error) if refuses(&error) => self.recorder.lose(batch.iter().map(Entry::events).sum()),
                Err(error) => {
                    if is_exhausted(&error) {
                        self.exhaustion.note();
                    }
                    if !std::mem::replace(&mut away, true) {
                        tracing::warn!(cause = cause(&error), "security events wait for the database");
                        Event::new(EventKind::SysAuditFault).reason("not_written").record();
                    }
                    todo.push(batch);
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        }
        // Told where there is room for it: otherwise the number would be lost as well.
        if self.recorder.waiting() >= MOST_WAITING / 2 {
            return;
        }
        let lost = self.recorder.0.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            Event::new(EventKind::SysAuditLost).reason("no_row").amount(lost).record();
        }
    }

    /// One transaction: the classes, the rows, and whatever counts them. Each event passes here once, also one whose row was
    /// [kept](super::event::Event::keep) already.
    async fn try_write(&self, batch: &mut [Entry]) -> Result<(), sqlx::Error> {
        let mut transaction = begin(&self.pool).await?;
        store::classify(&mut transaction, batch).await?;
        let new = batch.iter().filter(|entry| entry.task != Task::Count);
        let added = store::insert(&mut transaction, self.recorder.keys(), new.clone()).await?;
        if added == 0 && new.count() > 0 {
            // The commit of an earlier try was answered to nobody: these rows are there, and counted.
            return Ok(());
        }
        let ended = self.count(&mut transaction, batch).await?;
        transaction.commit().await?;
        self.rules.announce(ended);
        Ok(())
    }

    /// What cannot be counted is kept all the same.
    async fn count(&self, transaction: &mut PgTransaction<'_>, batch: &[Entry]) -> Result<Vec<Ended>, sqlx::Error> {
        let mut counting = transaction.begin().await?;
        match self.rules.count(&mut counting, batch, self.recorder.clock().now()).await {
            Ok(ended) => {
                counting.commit().await?;
                Ok(ended)
            }
            Err(error) => {
                counting.rollback().await?;
                tracing::error!(%error, "security events were not counted");
                Ok(Vec::new())
            }
        }
    }
}

/// Whether anybody can cause such events as fast as they send: without an account, or with any.
fn is_at_will(kind: EventKind, names_user: bool) -> bool {
    !names_user || matches!(kind, EventKind::ExcessRateLimitExceeded | EventKind::InputValidationFail)
}

/// Whether the row itself is at fault: data exception, integrity constraint.
fn refuses(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

/// PostgreSQL's own text can hold a row's values.
fn cause(error: &sqlx::Error) -> String {
    let code = error.as_database_error().and_then(|error| error.code()).map(String::from);
    code.unwrap_or_else(|| error.to_string())
}
