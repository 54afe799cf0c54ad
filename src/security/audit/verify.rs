//! `strongroom audit verify`: checks every seal and row of the audit trail, and reports the position of each fault.

use std::collections::HashMap;
use std::io;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::chain_heads::{ChainHead, ChainHeads};
pub use super::report::{Fault, Report};
use super::verify_store::{self, Batch, Row, Seal};
use crate::security::crypto::keys::{KeyId, Keys, Tag};

/// An unsealed row of this age is a fault: the service did not write it, or an attacker deleted its seal.
pub const MAX_SEAL_AGE: TimeDelta = TimeDelta::minutes(10);

/// Verifies all events in one read-only snapshot. The connection must belong to the schema's owner, who may read all
/// rows.
pub async fn verify(
    connection: &mut PgConnection,
    keys: &Keys,
    heads: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Report, sqlx::Error> {
    let mut verification = Verification::new(keys, heads);
    verification.verify_database(connection, now).await?;
    Ok(verification.report)
}

/// A verification in progress. It reads the archive first, if one is given, and then the database.
pub struct Verification<'a> {
    keys: &'a Keys,
    heads: Vec<ChainHead>,
    pub report: Report,
    last: Seal,
    /// The last seal in the archive, if an archive was read.
    archived: Option<Seal>,
    /// Valid rows at a position where another row was sealed: position, batch and the row's MAC.
    misplaced: Vec<(i64, i64, Vec<u8>)>,
}

impl<'a> Verification<'a> {
    #[must_use]
    pub fn new(keys: &'a Keys, heads: Option<&str>) -> Self {
        let ChainHeads { signed, unknown, forged } =
            heads.map_or_else(ChainHeads::default, |text| ChainHeads::read(text, keys));
        let heads = (!signed.is_empty() || !unknown.is_empty() || forged > 0).then_some(signed.len());
        let mut report = Report { heads, ..Report::default() };
        if forged > 0 {
            report.faults.push(Fault::ForgedHead { number: forged });
        }
        let mut verification =
            Self { keys, heads: signed, report, last: Seal::genesis(), archived: None, misplaced: Vec::new() };
        unknown.into_iter().for_each(|key| verification.count_unknown_key(key));
        verification
    }

    /// Verifies an archive. Its first batch can have any number, because older archive files may have been deleted.
    pub fn verify_archive(&mut self, lines: impl Iterator<Item = io::Result<String>>) -> io::Result<()> {
        for (number, line) in (1..).zip(lines) {
            let Ok(Batch { seal, rows }) = serde_json::from_str(&line?) else {
                self.fault(Fault::Unreadable { line: number });
                continue;
            };
            if number == 1 {
                self.last = seal.predecessor();
                self.report.archived_from = Some(seal.batch);
            }
            self.check_seal(&seal, &rows);
            self.last = seal;
        }
        self.archived = Some(std::mem::replace(&mut self.last, Seal::genesis()));
        Ok(())
    }

    pub async fn verify_database(
        &mut self,
        connection: &mut PgConnection,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        self.begin_database(connection).await?;
        while self.verify_next_batch(connection).await?.is_some() {}
        self.check_truncation();
        self.check_unsealed(connection, now).await?;
        self.report_misplaced_rows(connection).await?;
        verify_store::end(connection).await
    }

    /// Begins the snapshot and reads the first batch in the database. This batch must follow the last archived batch.
    pub(super) async fn begin_database(&mut self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        verify_store::begin(connection).await?;
        let archived = verify_store::newest_archived(connection).await?;
        // Ignore an archive event with an invalid MAC, because an attacker may have written it.
        // Keep an event that was signed with an unknown key, because `check_seal` later reports this key as a fault.
        let archived = archived.filter(|row| row.has_valid_mac(self.keys) || self.unknown_key(&row.mac).is_some());
        let first = verify_store::next_seal(connection, 0).await?;
        let (Some(until), Some(first)) = (archived.and_then(|row| row.amount), first) else { return Ok(()) };
        if first.batch == until + 1 {
            self.last = first.predecessor();
            self.report.archived_until = Some(until);
        }
        // The first seal in the database must contain the MAC of the last seal in the archive. `check_seal` later
        // verifies the MAC of the first seal. Both checks together prove that the database continues the archive.
        let last_archived = self.archived.take().filter(|last| last.batch < first.batch);
        if let Some(last) = last_archived {
            let missing = last.batch + 1..first.batch;
            self.report.faults.extend(missing.map(|batch| Fault::MissingSeal { batch }));
            if last.batch + 1 == first.batch && last.mac != first.previous {
                self.fault(Fault::BrokenSeal { batch: first.batch });
            }
        }
        Ok(())
    }

    pub(super) async fn verify_next_batch(
        &mut self,
        connection: &mut PgConnection,
    ) -> Result<Option<Batch>, sqlx::Error> {
        let Some(seal) = verify_store::next_seal(connection, self.last.batch).await? else { return Ok(None) };
        let rows = verify_store::rows_at(connection, &seal.seqs).await?;
        self.check_seal(&seal, &rows);
        self.last = seal.clone();
        Ok(Some(Batch { seal, rows }))
    }

    fn fault(&mut self, fault: Fault) {
        self.report.faults.push(fault);
    }

    /// Counts an item that was signed with an unknown key. All items with the same key are one fault.
    fn count_unknown_key(&mut self, key: KeyId) {
        let counted = self.report.faults.iter_mut().find_map(|fault| match fault {
            Fault::UnknownKey { key: other, number } if *other == key => Some(number),
            _ => None,
        });
        match counted {
            Some(number) => *number += 1,
            None => self.fault(Fault::UnknownKey { key, number: 1 }),
        }
    }

    /// Returns the id of the key that made this MAC, if that key is not configured.
    fn unknown_key(&self, mac: &[u8]) -> Option<KeyId> {
        Tag::from_bytes(mac).map(|tag| tag.key).filter(|key| self.keys.ids().all(|id| id != *key))
    }

    fn check_seal(&mut self, seal: &Seal, rows: &[Row]) {
        let missing = self.last.batch + 1..seal.batch;
        self.report.faults.extend(missing.map(|batch| Fault::MissingSeal { batch }));
        let is_ours = Tag::from_bytes(&seal.mac).is_some_and(|tag| seal.content().verify(self.keys, &tag));
        let unknown = self.unknown_key(&seal.mac);
        let follows = seal.batch != self.last.batch + 1 || seal.previous == self.last.mac;
        if !follows || (!is_ours && unknown.is_none()) {
            self.fault(Fault::BrokenSeal { batch: seal.batch });
        }
        unknown.into_iter().for_each(|key| self.count_unknown_key(key));
        let logged = self.heads.iter().filter(|head| head.batch == seal.batch);
        if logged.clone().any(|head| head.mac.to_bytes() != seal.mac || head.events != seal.events) {
            self.fault(Fault::OtherHead { batch: seal.batch });
        }
        let by_seq: HashMap<i64, &Row> = rows.iter().map(|row| (row.seq, row)).collect();
        for (seq, sealed) in seal.seqs.iter().zip(seal.macs.chunks(Tag::LENGTH)) {
            match by_seq.get(seq) {
                None => self.fault(Fault::Deleted { seq: *seq, batch: seal.batch }),
                Some(row)
                    if row.mac == sealed
                        && let Some(key) = self.unknown_key(sealed) =>
                {
                    self.count_unknown_key(key)
                }
                Some(row) if !row.has_valid_mac(self.keys) => self.fault(Fault::Edited { seq: *seq }),
                Some(row) if row.mac != sealed => self.misplaced.push((*seq, seal.batch, row.mac.clone())),
                Some(_) => self.report.sealed += 1,
            }
        }
        self.report.seals += 1;
    }

    /// Reports a truncated chain if the log contains a chain head that is newer than the last seal in the database.
    fn check_truncation(&mut self) {
        let beyond = self.heads.iter().filter(|head| head.batch > self.last.batch).max_by_key(|head| head.batch);
        if let Some(head) = beyond {
            let (batch, events) = (self.last.batch + 1, head.events - self.last.events);
            self.fault(Fault::CutOff { batch, events });
        }
    }

    async fn check_unsealed(&mut self, connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
        let mut after = i64::MIN;
        loop {
            let rows = verify_store::unsealed_after(connection, after).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.seq;
            for row in &rows {
                if let Some(key) = self.unknown_key(&row.mac) {
                    self.count_unknown_key(key);
                } else if !row.has_valid_mac(self.keys) {
                    self.fault(Fault::Inserted { seq: row.seq });
                } else if row.at < now - MAX_SEAL_AGE {
                    self.fault(Fault::NeverSealed { seq: row.seq });
                } else {
                    self.report.waiting += 1;
                }
            }
        }
    }

    async fn report_misplaced_rows(&mut self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        for (seq, batch, mac) in std::mem::take(&mut self.misplaced) {
            let from = verify_store::sealed_at(connection, &mac).await?;
            self.fault(from.map_or(Fault::Replaced { seq, batch }, |from| Fault::Moved { seq, from }));
        }
        Ok(())
    }
}
