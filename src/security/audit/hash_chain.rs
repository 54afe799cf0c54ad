//! Tamper-evident audit trail (hash chain): a change of a recorded event shows.
//!
//! **Attack**: an attacker who controls the database (its owner, an old backup that is restored, an injection) edits, deletes,
//! adds or reorders events, or cuts off the newest, to hide an attack (CWE-345, CWE-778).
//! **Control**: each row has a MAC with a key
//! that the database does not know. Every few seconds one replica seals the new rows: a MAC over the last seal and over these rows' MACs, in order.
//! The head of that chain, signed with Ed25519, goes out with the log as one line: without it a cut tail is invisible.
//! Sealing that stops is an alarm: a row that has waited for 15 seconds, and a trigger that is missing or disabled, are an
//! event and a metric. A session of the service's role that blocks the sealer for so long is ended.
//! **Limits**: an attacker who has the master key. An owner of the schema who deletes a row, and the note that it waits
//! for its seal, within those seconds (`docs/security-events.md`).
//! **ASVS**: 16.4.2, 16.4.3 · **Test**: `attacks::audit::hash_chain`, `attacks::audit::sealing`

use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;

use super::event::{Event, EventKind, Kept};
use super::heads::Head;
pub use super::store::SealState;
use super::store::{self, NewSeal};
use crate::base::clock::Clock;
use crate::db::begin;
use crate::http::error::ApiResult;
use crate::security::crypto::keys::{Keys, Purpose, Tag};

/// How often new rows are sealed.
pub const EVERY: Duration = Duration::from_secs(5);
/// A row that has waited so long for its seal is an alarm. A session that has blocked sealing for so long is ended.
const OVERDUE: Duration = Duration::from_secs(15);
/// Rows of one seal.
const MOST_AT_ONCE: i32 = 5_000;
/// What stands before the first seal.
pub const BEFORE_ALL: [u8; Tag::LENGTH] = [0; Tag::LENGTH];

/// Seals what has been recorded.
pub struct Sealer {
    pool: PgPool,
    keys: Arc<Keys>,
    clock: Clock,
    stopping: Notify,
}

impl Sealer {
    #[must_use]
    pub fn new(pool: PgPool, keys: Arc<Keys>, clock: Clock) -> Self {
        Self { pool, keys, clock, stopping: Notify::new() }
    }

    /// Ends [`Self::run`], after the seal that is being made.
    pub fn stop(&self) {
        self.stopping.notify_one();
    }

    /// Seals until [`Self::stop`].
    pub async fn run(&self) {
        let mut every = tokio::time::interval(EVERY);
        let (mut known, mut noted) = (Vec::new(), false);
        loop {
            tokio::select! {
                () = self.stopping.notified() => return,
                _ = every.tick() => {}
            }
            noted = noted || self.note_key().await.is_ok();
            let faults = self.seal_and_check().await.unwrap_or_else(|_| vec!["not_sealed"]);
            for reason in faults.iter().filter(|reason| !known.contains(*reason)) {
                Event::new(EventKind::SysAuditFault).reason(reason).record();
            }
            known = faults;
        }
    }

    /// Records the exchange of the master key: once over all replicas, when the first one seals with a new key.
    async fn note_key(&self) -> ApiResult<()> {
        let (new, mut transaction) = (self.keys.id(), begin(&self.pool).await?);
        let mut changed = Kept::none();
        if let Some(old) = store::note_key(&mut transaction, new, self.clock.now()).await? {
            let event = Event::new(EventKind::SysKeyChanged).subject(format!("{old}{new}"));
            changed = event.keep(&mut transaction).await?;
        }
        transaction.commit().await?;
        changed.committed();
        Ok(())
    }

    /// Seals what waits. Returns what keeps events from being sealed, as reasons of an event.
    async fn seal_and_check(&self) -> Result<Vec<&'static str>, sqlx::Error> {
        self.seal().await?;
        let mut state = store::seal_state(&self.pool).await?;
        if state.oldest_seconds > OVERDUE.as_secs_f64() {
            let ended = store::end_sessions_that_block_sealing(&self.pool, OVERDUE.as_secs_f64()).await?;
            if let Ok(ended @ 1..) = u64::try_from(ended) {
                Event::new(EventKind::SysAuditFault).reason("sealing_blocked").amount(ended).record();
                self.seal().await?;
                state = store::seal_state(&self.pool).await?;
            }
        }
        let overdue = (state.oldest_seconds > OVERDUE.as_secs_f64()).then_some("seal_overdue");
        let without_trigger = (state.triggers_missing > 0).then_some("trigger_missing");
        Ok(overdue.into_iter().chain(without_trigger).collect())
    }

    /// Seals what waits, and sends the new heads out. Another replica may be at it: then there is nothing to do.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn seal(&self) -> Result<(), sqlx::Error> {
        self.seal_all(false).await
    }

    /// The same at the end of the service, when the last events have been written. Waits for a replica that is at it: what it
    /// seals may have been read before these events came.
    ///
    /// # Errors
    /// As [`Self::seal`], or the other replica takes too long.
    pub async fn seal_last(&self) -> Result<(), sqlx::Error> {
        self.seal_all(true).await
    }

    async fn seal_all(&self, waits: bool) -> Result<(), sqlx::Error> {
        while let Some(head) = self.seal_one(waits).await? {
            tracing::info!(target: "security_head", head = head.line(&self.keys), "security events are sealed");
        }
        Ok(())
    }

    async fn seal_one(&self, waits: bool) -> Result<Option<Head>, sqlx::Error> {
        let mut transaction = begin(&self.pool).await?;
        let rows = store::take_unsealed(&mut transaction, MOST_AT_ONCE, waits).await?;
        let taken = rows.len();
        let (seqs, macs): (Vec<i64>, Vec<Vec<u8>>) =
            rows.into_iter().filter_map(|row| Some((row.seq, row.mac?))).unzip();
        let deleted = u64::try_from(taken - seqs.len()).unwrap_or(u64::MAX);
        let head =
            if seqs.is_empty() { None } else { Some(self.add_seal(&mut transaction, &seqs, &macs.concat()).await?) };
        transaction.commit().await?;
        if deleted > 0 {
            Event::new(EventKind::SysAuditFault).reason("deleted_before_seal").amount(deleted).record();
        }
        Ok(head)
    }

    async fn add_seal(&self, connection: &mut PgConnection, seqs: &[i64], macs: &[u8]) -> Result<Head, sqlx::Error> {
        let last = store::last_seal(connection).await?;
        let (batch, events, previous) =
            last.map_or((0, 0, BEFORE_ALL.to_vec()), |last| (last.batch, last.events, last.mac));
        let (batch, events) = (batch + 1, events + i64::try_from(seqs.len()).unwrap_or(i64::MAX));
        let mac = Content { previous: &previous, batch, events, seqs, macs }.sign(&self.keys);
        let (sealed_at, bytes) = (self.clock.now(), mac.to_bytes());
        let seal = NewSeal { batch, sealed_at, events, seqs, macs, previous: &previous, mac: &bytes };
        store::add_seal(connection, &seal).await?;
        Ok(Head { batch, events, mac })
    }
}

/// Whether sealing works (metrics).
///
/// # Errors
/// The database cannot be asked.
pub async fn state(pool: &PgPool) -> Result<SealState, sqlx::Error> {
    store::seal_state(pool).await
}

/// What the MAC of a seal covers.
pub struct Content<'a> {
    pub previous: &'a [u8],
    pub batch: i64,
    pub events: i64,
    pub seqs: &'a [i64],
    pub macs: &'a [u8],
}

impl Content<'_> {
    /// Signs it with the current key.
    #[must_use]
    pub fn sign(&self, keys: &Keys) -> Tag {
        keys.sign(Purpose::EventSeal, &self.parts().each_ref().map(Vec::as_slice))
    }

    /// Whether one of these keys made this tag for it.
    #[must_use]
    pub fn verify(&self, keys: &Keys, tag: &Tag) -> bool {
        keys.verify(Purpose::EventSeal, &self.parts().each_ref().map(Vec::as_slice), tag)
    }

    fn parts(&self) -> [Vec<u8>; 5] {
        [
            self.previous.to_vec(),
            self.batch.to_be_bytes().to_vec(),
            self.events.to_be_bytes().to_vec(),
            self.seqs.iter().flat_map(|seq| seq.to_be_bytes()).collect(),
            self.macs.to_vec(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> Keys {
        Keys::new(&vec![byte; 32].into()).unwrap()
    }

    #[test]
    fn each_part_is_in_the_mac_of_a_seal() {
        let of = |previous: &[u8], batch, events, seqs: &[i64], macs: &[u8]| {
            Content { previous, batch, events, seqs, macs }.sign(&keys(1)).mac
        };
        let one = of(&[1], 1, 2, &[5, 6], &[8, 9]);
        for other in [
            of(&[2], 1, 2, &[5, 6], &[8, 9]),
            of(&[1], 2, 2, &[5, 6], &[8, 9]),
            of(&[1], 1, 3, &[5, 6], &[8, 9]),
            of(&[1], 1, 2, &[6, 5], &[8, 9]),
            of(&[1], 1, 2, &[5, 6], &[9, 8]),
        ] {
            assert_ne!(one, other);
        }
    }
}
