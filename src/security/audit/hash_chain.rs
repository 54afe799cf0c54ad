//! Tamper-evident audit trail: a hash chain over all security events (CWE-345, CWE-778, API8:2023).
//!
//! **Attack**: an attacker with control of the database hides an attack.
//! The attacker edits, deletes, inserts or reorders events, deletes the newest events (truncation), or restores an old
//! backup.
//! **Control**: each row has a MAC under a key that is not in the database.
//! Every five seconds, one replica seals the new rows.
//! A seal is one link of the chain: a MAC over the previous seal and over the MACs of the new rows, in order.
//! Each new seal is signed (Ed25519) and logged as a chain head, so that the log reveals a truncation.
//!
//! Two faults cause an event and show in a metric: a row without a seal after 15 seconds, and a missing or disabled
//! trigger on the audit tables.
//! A database session that blocks sealing with a lock for 15 seconds is terminated.
//! **Limits**: an attacker who has the master key can forge the chain.
//! A schema owner can delete a row before it is sealed, if they also delete its entry in `security_events_unsealed`
//! (`docs/security-events.md`).
//! **ASVS**: 16.4.2, 16.4.3 · **Test**: `attacks::audit::hash_chain`, `attacks::audit::sealing`

use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;

use super::chain_heads::ChainHead;
use super::event::{Event, EventKind, PendingEvents};
pub use super::store::SealState;
use super::store::{self, NewSeal};
use crate::base::clock::Clock;
use crate::db::begin;
use crate::http::error::ApiResult;
use crate::security::crypto::keys::{Keys, Purpose, Tag};

pub const SEAL_INTERVAL: Duration = Duration::from_secs(5);
/// How long a row may wait for its seal before a fault is reported, and how long a database session may block sealing.
const MAX_SEAL_DELAY: Duration = Duration::from_secs(15);
/// The maximum number of rows in one seal. It bounds the memory and the duration of one transaction.
const MAX_BATCH_ROWS: i32 = 5_000;
/// Each seal contains the MAC of the previous seal. The first seal contains this value instead.
pub const GENESIS_MAC: [u8; Tag::LENGTH] = [0; Tag::LENGTH];

/// Seals new rows. Each seal is a new link of the hash chain.
pub struct ChainWriter {
    pool: PgPool,
    keys: Arc<Keys>,
    clock: Clock,
    stopping: Notify,
}

impl ChainWriter {
    #[must_use]
    pub fn new(pool: PgPool, keys: Arc<Keys>, clock: Clock) -> Self {
        Self { pool, keys, clock, stopping: Notify::new() }
    }

    /// Stops [`Self::run`] once the current seal is complete.
    pub fn stop(&self) {
        self.stopping.notify_one();
    }

    pub async fn run(&self) {
        let mut every = tokio::time::interval(SEAL_INTERVAL);
        let (mut known, mut noted) = (Vec::new(), false);
        loop {
            tokio::select! {
                () = self.stopping.notified() => return,
                _ = every.tick() => {}
            }
            noted = noted || self.record_key_change().await.is_ok();
            let faults = self.seal_and_check().await.unwrap_or_else(|_| vec!["not_sealed"]);
            for reason in faults.iter().filter(|reason| !known.contains(*reason)) {
                Event::new(EventKind::SysAuditFault).reason(reason).record();
            }
            known = faults;
        }
    }

    /// Records a change of the master key. Only the first replica with the new key records it.
    async fn record_key_change(&self) -> ApiResult<()> {
        let (new, mut transaction) = (self.keys.id(), begin(&self.pool).await?);
        let mut changed = PendingEvents::empty();
        if let Some(old) = store::store_key_id(&mut transaction, new, self.clock.now()).await? {
            let event = Event::new(EventKind::SysKeyChanged).subject(format!("{old}{new}"));
            changed = event.record_in(&mut transaction).await?;
        }
        transaction.commit().await?;
        changed.publish();
        Ok(())
    }

    /// Seals new rows, and returns the faults that it finds, as values of the field `reason` of `sys_audit_fault`.
    async fn seal_and_check(&self) -> Result<Vec<&'static str>, sqlx::Error> {
        self.seal().await?;
        let mut state = store::seal_state(&self.pool).await?;
        if state.oldest_seconds > MAX_SEAL_DELAY.as_secs_f64() {
            let ended = store::end_sessions_that_block_sealing(&self.pool, MAX_SEAL_DELAY.as_secs_f64()).await?;
            if let Ok(ended @ 1..) = u64::try_from(ended) {
                Event::new(EventKind::SysAuditFault).reason("sealing_blocked").amount(ended).record();
                self.seal().await?;
                state = store::seal_state(&self.pool).await?;
            }
        }
        let overdue = (state.oldest_seconds > MAX_SEAL_DELAY.as_secs_f64()).then_some("seal_overdue");
        let without_trigger = (state.triggers_missing > 0).then_some("trigger_missing");
        Ok(overdue.into_iter().chain(without_trigger).collect())
    }

    /// Seals all new rows and logs the new chain heads. Does nothing while another replica is sealing.
    pub async fn seal(&self) -> Result<(), sqlx::Error> {
        self.seal_all(false).await
    }

    /// Seals the last rows at shutdown. If another replica is sealing, first waits until it has finished.
    /// The other replica may have read the unsealed rows before the last rows were stored.
    pub async fn seal_remaining(&self) -> Result<(), sqlx::Error> {
        self.seal_all(true).await
    }

    async fn seal_all(&self, waits: bool) -> Result<(), sqlx::Error> {
        while let Some(head) = self.seal_one(waits).await? {
            tracing::info!(target: "security_head", head = head.line(&self.keys), "security events sealed");
        }
        Ok(())
    }

    async fn seal_one(&self, waits: bool) -> Result<Option<ChainHead>, sqlx::Error> {
        let mut transaction = begin(&self.pool).await?;
        let rows = store::take_unsealed(&mut transaction, MAX_BATCH_ROWS, waits).await?;
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

    async fn add_seal(
        &self,
        connection: &mut PgConnection,
        seqs: &[i64],
        macs: &[u8],
    ) -> Result<ChainHead, sqlx::Error> {
        let last = store::last_seal(connection).await?;
        let (batch, events, previous) =
            last.map_or((0, 0, GENESIS_MAC.to_vec()), |last| (last.batch, last.events, last.mac));
        let (batch, events) = (batch + 1, events + i64::try_from(seqs.len()).unwrap_or(i64::MAX));
        let mac = SealContent { previous: &previous, batch, events, seqs, macs }.sign(&self.keys);
        let (sealed_at, bytes) = (self.clock.now(), mac.to_bytes());
        let seal = NewSeal { batch, sealed_at, events, seqs, macs, previous: &previous, mac: &bytes };
        store::add_seal(connection, &seal).await?;
        Ok(ChainHead { batch, events, mac })
    }
}

pub async fn state(pool: &PgPool) -> Result<SealState, sqlx::Error> {
    store::seal_state(pool).await
}

/// The content that the MAC of a seal covers.
pub struct SealContent<'a> {
    pub previous: &'a [u8],
    pub batch: i64,
    pub events: i64,
    pub seqs: &'a [i64],
    pub macs: &'a [u8],
}

impl SealContent<'_> {
    #[must_use]
    pub fn sign(&self, keys: &Keys) -> Tag {
        keys.sign(Purpose::EventSeal, &self.parts().each_ref().map(Vec::as_slice))
    }

    /// Returns whether `tag` is a valid MAC of this content under one of the configured keys.
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
    fn seal_mac_covers_each_part() {
        let of = |previous: &[u8], batch, events, seqs: &[i64], macs: &[u8]| {
            SealContent { previous, batch, events, seqs, macs }.sign(&keys(1)).mac
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
