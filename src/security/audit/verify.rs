//! `strongroom audit verify`: reads every seal and every row and says what is not as it was recorded, and where.

use std::collections::HashMap;
use std::io;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::heads::{Head, Heads};
pub use super::report::{Fault, Report};
use super::verify_store::{self, Batch, Row, Seal};
use crate::security::crypto::keys::{KeyId, Keys, Tag};

/// Rows are sealed every few seconds; one that is older than this and in no seal was put there, or its seal was taken away.
pub const SEALED_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// Reads everything, as the schema's owner, in one view of the database that nobody's writing moves.
///
/// # Errors
/// The database cannot be asked.
pub async fn verify(
    connection: &mut PgConnection,
    keys: &Keys,
    heads: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Report, sqlx::Error> {
    let mut verification = Verification::new(keys, heads);
    verification.database(connection, now).await?;
    Ok(verification.report)
}

/// A verification under way: of an archive, if there is one, and then of the database.
pub struct Verification<'a> {
    keys: &'a Keys,
    heads: Vec<Head>,
    pub report: Report,
    last: Seal,
    /// The last seal of the archive.
    archived: Option<Seal>,
    /// Places at which a sound row stands that was not sealed there, with its MAC.
    foreign: Vec<(i64, i64, Vec<u8>)>,
}

impl<'a> Verification<'a> {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(keys: &'a Keys, heads: Option<&str>) -> Self {
        let Heads { signed, unknown, forged } = heads.map_or_else(Heads::default, |text| Heads::read(text, keys));
        let heads = (!signed.is_empty() || !unknown.is_empty() || forged > 0).then_some(signed.len());
        let mut report = Report { heads, ..Report::default() };
        if forged > 0 {
            report.faults.push(Fault::ForgedHead { number: forged });
        }
        let mut verification =
            Self { keys, heads: signed, report, last: Seal::before_all(), archived: None, foreign: Vec::new() };
        unknown.into_iter().for_each(|key| verification.cannot_check(key));
        verification
    }

    /// Reads the lines of an archive. Older files than the first may have been thrown away.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn archive(&mut self, lines: impl Iterator<Item = io::Result<String>>) -> io::Result<()> {
        for (number, line) in (1..).zip(lines) {
            let Ok(Batch { seal, rows }) = serde_json::from_str(&line?) else {
                self.fault(Fault::Unreadable { line: number });
                continue;
            };
            if number == 1 {
                self.last = seal.predecessor();
                self.report.archived_from = Some(seal.batch);
            }
            self.seal(&seal, &rows);
            self.last = seal;
        }
        self.archived = Some(std::mem::replace(&mut self.last, Seal::before_all()));
        Ok(())
    }

    /// Reads the database, as the schema's owner.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn database(&mut self, connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
        self.begin_in_database(connection).await?;
        while self.next_in_database(connection).await?.is_some() {}
        self.end_of_heads();
        self.unsealed(connection, now).await?;
        self.say_where_rows_came_from(connection).await?;
        verify_store::end(connection).await
    }

    /// Begins the view of the database, at the first batch or behind those that were archived.
    pub(super) async fn begin_in_database(&mut self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        verify_store::begin(connection).await?;
        let archived = verify_store::newest_archived(connection).await?;
        // A row of an unknown key is a fault of its own, when its seal is read.
        let archived = archived.filter(|row| row.is_sound(self.keys) || self.unknown_key(&row.mac).is_some());
        let first = verify_store::next_seal(connection, 0).await?;
        let (Some(until), Some(first)) = (archived.and_then(|row| row.amount), first) else { return Ok(()) };
        if first.batch == until + 1 {
            self.last = first.predecessor();
            self.report.archived_until = Some(until);
        }
        // The first seal holds the MAC of the one before, and has its own by our key: so both ends of the joint are known.
        let joint = self.archived.take().filter(|last| last.batch < first.batch);
        if let Some(last) = joint {
            let missing = last.batch + 1..first.batch;
            self.report.faults.extend(missing.map(|batch| Fault::MissingSeal { batch }));
            if last.batch + 1 == first.batch && last.mac != first.previous {
                self.fault(Fault::BrokenSeal { batch: first.batch });
            }
        }
        Ok(())
    }

    /// Reads and checks the next batch.
    pub(super) async fn next_in_database(
        &mut self,
        connection: &mut PgConnection,
    ) -> Result<Option<Batch>, sqlx::Error> {
        let Some(seal) = verify_store::next_seal(connection, self.last.batch).await? else { return Ok(None) };
        let rows = verify_store::rows_at(connection, &seal.seqs).await?;
        self.seal(&seal, &rows);
        self.last = seal.clone();
        Ok(Some(Batch { seal, rows }))
    }

    fn fault(&mut self, fault: Fault) {
        self.report.faults.push(fault);
    }

    /// Counts what was made with a key that was not given: one fault a key.
    fn cannot_check(&mut self, key: KeyId) {
        let counted = self.report.faults.iter_mut().find_map(|fault| match fault {
            Fault::UnknownKey { key: other, number } if *other == key => Some(number),
            _ => None,
        });
        match counted {
            Some(number) => *number += 1,
            None => self.fault(Fault::UnknownKey { key, number: 1 }),
        }
    }

    /// The key that made this MAC, if it is not one of ours.
    fn unknown_key(&self, mac: &[u8]) -> Option<KeyId> {
        Tag::from_bytes(mac).map(|tag| tag.key).filter(|key| self.keys.ids().all(|id| id != *key))
    }

    /// One seal: its place in the chain, its own MAC, the log's word on it, its rows.
    fn seal(&mut self, seal: &Seal, rows: &[Row]) {
        let missing = self.last.batch + 1..seal.batch;
        self.report.faults.extend(missing.map(|batch| Fault::MissingSeal { batch }));
        let is_ours = Tag::from_bytes(&seal.mac).is_some_and(|tag| seal.content().verify(self.keys, &tag));
        let unknown = self.unknown_key(&seal.mac);
        let follows = seal.batch != self.last.batch + 1 || seal.previous == self.last.mac;
        if !follows || (!is_ours && unknown.is_none()) {
            self.fault(Fault::BrokenSeal { batch: seal.batch });
        }
        unknown.into_iter().for_each(|key| self.cannot_check(key));
        let told = self.heads.iter().filter(|head| head.batch == seal.batch);
        if told.clone().any(|head| head.mac.to_bytes() != seal.mac || head.events != seal.events) {
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
                    self.cannot_check(key)
                }
                Some(row) if !row.is_sound(self.keys) => self.fault(Fault::Edited { seq: *seq }),
                Some(row) if row.mac != sealed => self.foreign.push((*seq, seal.batch, row.mac.clone())),
                Some(_) => self.report.sealed += 1,
            }
        }
        self.report.seals += 1;
    }

    /// Heads beyond the last seal: what they tell of has been cut off.
    fn end_of_heads(&mut self) {
        let beyond = self.heads.iter().filter(|head| head.batch > self.last.batch).max_by_key(|head| head.batch);
        if let Some(head) = beyond {
            let (batch, events) = (self.last.batch + 1, head.events - self.last.events);
            self.fault(Fault::CutOff { batch, events });
        }
    }

    async fn unsealed(&mut self, connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
        let mut after = i64::MIN;
        loop {
            let rows = verify_store::unsealed_after(connection, after).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.seq;
            for row in &rows {
                if let Some(key) = self.unknown_key(&row.mac) {
                    self.cannot_check(key);
                } else if !row.is_sound(self.keys) {
                    self.fault(Fault::Inserted { seq: row.seq });
                } else if row.at < now - SEALED_WITHIN {
                    self.fault(Fault::NeverSealed { seq: row.seq });
                } else {
                    self.report.waiting += 1;
                }
            }
        }
    }

    /// A sound row at another's place was moved there, or is another one altogether.
    async fn say_where_rows_came_from(&mut self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        for (seq, batch, mac) in std::mem::take(&mut self.foreign) {
            let from = verify_store::sealed_at(connection, &mac).await?;
            self.fault(from.map_or(Fault::Replaced { seq, batch }, |from| Fault::Moved { seq, from }));
        }
        Ok(())
    }
}
