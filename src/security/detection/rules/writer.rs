//! The event writer: stores recorded events in batches (CWE-778, API8:2023).
//! The [rules](super) count the events in the same transaction.

use std::time::Duration;

use sqlx::{Acquire, PgPool, PgTransaction};

use super::{Rules, counts};
use crate::db::begin;
use crate::db::exhaustion::{Exhaustion, is_exhausted};
use crate::security::audit::entry::{Entry, Task};
use crate::security::audit::event::{Event, EventKind};
use crate::security::audit::recorder::{MAX_QUEUED, Recorder};
use crate::security::audit::store;
use crate::security::sessions::revocations::EndedSessions;

/// How long the writer waits before it tries again, if the database is unavailable.
const RETRY_DELAY: Duration = Duration::from_millis(500);

pub struct Writer {
    pub recorder: Recorder,
    pub pool: PgPool,
    pub rules: Rules,
    pub exhaustion: Exhaustion,
}

impl Writer {
    /// Writes batches until the recorder is closed and its queue is empty.
    pub async fn run(&self) {
        loop {
            let (mut batch, aggregates) = self.recorder.next_batch();
            let aggregated = |(key, amount, task)| Event::aggregated(key, amount, task, &self.recorder);
            batch.extend(aggregates.into_iter().map(aggregated));
            if batch.is_empty() {
                if self.recorder.is_closed() {
                    return;
                }
                self.recorder.wait_for_events().await;
                continue;
            }
            self.write(batch).await;
        }
    }

    /// Writes a batch, and tries again until the database accepts it.
    /// If the database rejects a row, the batch is halved until only the invalid row is lost.
    async fn write(&self, batch: Vec<Entry>) {
        let (mut todo, mut is_database_down) = (vec![batch], false);
        while let Some(mut batch) = todo.pop() {
            match self.try_write(&mut batch).await {
                Ok(()) => {}
                Err(error) if is_row_rejected(&error) && batch.len() > 1 => {
                    let rest = batch.split_off(batch.len() / 2);
                    todo.extend([rest, batch]);
                }
                Err(error) if is_row_rejected(&error) => {
                    self.recorder.count_lost(batch.iter().map(Entry::events).sum())
                }
                Err(error) => {
                    if is_exhausted(&error) {
                        self.exhaustion.record();
                    }
                    if !std::mem::replace(&mut is_database_down, true) {
                        tracing::warn!(cause = cause(&error), "security events are waiting for the database");
                        Event::new(EventKind::SysAuditFault).reason("not_written").record();
                    }
                    todo.push(batch);
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        }
        // Record the loss only if the queue has space. In a full queue, the event about the loss would be lost too.
        if self.recorder.queued() >= MAX_QUEUED / 2 {
            return;
        }
        let lost = self.recorder.take_lost();
        if lost > 0 {
            Event::new(EventKind::SysAuditLost).reason("not_stored").amount(lost).record();
        }
    }

    /// Looks up object owners, stores the batch and counts it, in one transaction.
    /// Also counts the events that [`Event::record_in`] has already stored but not counted.
    async fn try_write(&self, batch: &mut [Entry]) -> Result<(), sqlx::Error> {
        let mut transaction = begin(&self.pool).await?;
        store::classify(&mut transaction, batch).await?;
        let new = batch.iter().filter(|entry| entry.task != Task::Count);
        let added = store::insert(&mut transaction, self.recorder.keys(), new.clone()).await?;
        if added == 0 && new.count() > 0 {
            // An earlier attempt was committed, but its reply was lost. So these rows are already stored and counted.
            return Ok(());
        }
        let ended = self.count(&mut transaction, batch).await?;
        transaction.commit().await?;
        self.rules.announce(ended);
        Ok(())
    }

    /// Counts the batch in a savepoint, so that the events are stored even if counting fails.
    async fn count(
        &self,
        transaction: &mut PgTransaction<'_>,
        batch: &[Entry],
    ) -> Result<Vec<EndedSessions>, sqlx::Error> {
        if counts(batch).is_empty() {
            return Ok(Vec::new());
        }
        let mut counting = transaction.begin().await?;
        match self.rules.count(&mut counting, batch, self.recorder.clock().now()).await {
            Ok(ended) => {
                counting.commit().await?;
                Ok(ended)
            }
            Err(error) => {
                counting.rollback().await?;
                tracing::error!(%error, "failed to count security events");
                Ok(Vec::new())
            }
        }
    }
}

/// Returns whether the database rejected the content of a row: SQLSTATE class 22 (data) or 23 (constraint).
fn is_row_rejected(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

/// Returns only the SQLSTATE, because the message of PostgreSQL can contain values of the row.
fn cause(error: &sqlx::Error) -> String {
    let code = error.as_database_error().and_then(|error| error.code()).map(String::from);
    code.unwrap_or_else(|| error.to_string())
}
