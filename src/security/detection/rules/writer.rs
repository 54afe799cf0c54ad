//! Writes recorded events to the table in batches, and counts them by the [rules](super) in the same transaction.

use std::time::Duration;

use sqlx::{Acquire, PgPool, PgTransaction};

use super::Rules;
use crate::db::begin;
use crate::db::exhaustion::{Exhaustion, is_exhausted};
use crate::security::audit::entry::{Entry, Task};
use crate::security::audit::event::{Event, EventKind};
use crate::security::audit::recorder::{MOST_WAITING, Recorder};
use crate::security::audit::store;
use crate::security::sessions::revocations::Ended;

/// Between two attempts while the database does not accept the events.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Empties the recorder's queue.
pub struct Writer {
    pub recorder: Recorder,
    pub pool: PgPool,
    pub rules: Rules,
    pub exhaustion: Exhaustion,
}

impl Writer {
    /// Runs until the recorder is closed and its queue is empty.
    pub async fn run(&self) {
        loop {
            let (mut batch, tallies) = self.recorder.take();
            let of_tally = |(key, amount, task)| Event::of_tally(key, amount, task, &self.recorder);
            batch.extend(tallies.into_iter().map(of_tally));
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

    /// Retries until the database accepts them. An event that the table refuses must not block the others: it alone is lost.
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
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        }
        // Only if the queue has room: otherwise this event would be lost as well.
        if self.recorder.waiting() >= MOST_WAITING / 2 {
            return;
        }
        let lost = self.recorder.take_lost();
        if lost > 0 {
            Event::new(EventKind::SysAuditLost).reason("no_row").amount(lost).record();
        }
    }

    /// One transaction: the class of each object, the rows, and the counters of the rules. Each event passes here once, also
    /// one whose row was [kept](crate::security::audit::event::Event::keep) already.
    async fn try_write(&self, batch: &mut [Entry]) -> Result<(), sqlx::Error> {
        let mut transaction = begin(&self.pool).await?;
        store::classify(&mut transaction, batch).await?;
        let new = batch.iter().filter(|entry| entry.task != Task::Count);
        let added = store::insert(&mut transaction, self.recorder.keys(), new.clone()).await?;
        if added == 0 && new.count() > 0 {
            // An earlier attempt committed, but its answer was lost: these rows exist and are counted.
            return Ok(());
        }
        let ended = self.count(&mut transaction, batch).await?;
        transaction.commit().await?;
        self.rules.announce(ended);
        Ok(())
    }

    /// If counting fails, the events are stored all the same.
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
