//! `strongroom audit verify`: reads every seal and every row and says what is not as it was recorded, and where.

use std::collections::HashMap;
use std::{fmt, io};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::seals::{self, Head};
use super::verify_store::{self, Batch, Row, Seal};
use crate::security::keys::Keys;

/// Rows are sealed every few seconds; one that is older than this and in no seal was put there, or its seal was taken away.
pub const SEALED_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A row's content is not what its MAC was made of.
    Edited { seq: i64 },
    /// A sealed row is gone.
    Deleted { seq: i64, batch: i64 },
    /// A row that was sealed at another place stands here.
    Moved { seq: i64, from: i64 },
    /// Another row stands where one was sealed.
    Replaced { seq: i64, batch: i64 },
    /// A row that no service wrote.
    Inserted { seq: i64 },
    /// A row that should have been sealed long ago.
    NeverSealed { seq: i64 },
    /// A seal is not what the key makes of it.
    BrokenSeal { batch: i64 },
    /// There is no such seal, and there are later ones.
    MissingSeal { batch: i64 },
    /// The log says that this was sealed, and it is not there.
    CutOff { batch: i64, events: i64 },
    /// The log says that this was sealed otherwise.
    OtherHead { batch: i64 },
    /// A line of the heads' file that looks like a head and was not signed by us.
    ForgedHead { number: usize },
    /// A line of the archive is not a batch.
    Unreadable { line: usize },
}

/// What was read, and what was found.
#[derive(Debug, Default)]
pub struct Report {
    pub seals: i64,
    pub sealed: i64,
    /// Rows that are too young to be sealed.
    pub waiting: i64,
    /// Heads that were compared. `None`: none were given.
    pub heads: Option<usize>,
    /// The first batch of the archive, if one was given.
    pub archived_from: Option<i64>,
    /// The last batch that was archived and removed from the database.
    pub archived_until: Option<i64>,
    pub faults: Vec<Fault>,
}

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
        let (heads, forged) = heads.map_or((Vec::new(), 0), |text| Head::all_in(text, keys));
        let report = Report {
            heads: (!heads.is_empty() || forged > 0).then_some(heads.len()),
            faults: Vec::from_iter((forged > 0).then_some(Fault::ForgedHead { number: forged })),
            ..Report::default()
        };
        Self { keys, heads, report, last: Seal::before_all(), archived: None, foreign: Vec::new() }
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
        let archived = verify_store::newest_archived(connection).await?.filter(|row| row.is_sound(self.keys));
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

    /// One seal: its place in the chain, its own MAC, the log's word on it, its rows.
    fn seal(&mut self, seal: &Seal, rows: &[Row]) {
        let missing = self.last.batch + 1..seal.batch;
        self.report.faults.extend(missing.map(|batch| Fault::MissingSeal { batch }));
        let mac = seals::mac(self.keys, &seal.previous, seal.batch, seal.events, &seal.seqs, &seal.macs);
        let follows = seal.batch != self.last.batch + 1 || seal.previous == self.last.mac;
        if mac.as_slice() != seal.mac || !follows {
            self.fault(Fault::BrokenSeal { batch: seal.batch });
        }
        let told = self.heads.iter().filter(|head| head.batch == seal.batch);
        if told.clone().any(|head| head.mac.as_slice() != seal.mac || head.events != seal.events) {
            self.fault(Fault::OtherHead { batch: seal.batch });
        }
        let by_seq: HashMap<i64, &Row> = rows.iter().map(|row| (row.seq, row)).collect();
        for (seq, sealed) in seal.seqs.iter().zip(seal.macs.chunks(32)) {
            match by_seq.get(seq) {
                None => self.fault(Fault::Deleted { seq: *seq, batch: seal.batch }),
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
                if !row.is_sound(self.keys) {
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

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited { seq } => write!(f, "edited: row {seq} is not what was recorded"),
            Self::Deleted { seq, batch } => write!(f, "deleted: row {seq} was sealed in batch {batch} and is gone"),
            Self::Moved { seq, from } => write!(f, "reordered: the row at {seq} was recorded at {from}"),
            Self::Replaced { seq, batch } => write!(f, "replaced: row {seq} of batch {batch} is another one"),
            Self::Inserted { seq } => write!(f, "inserted: row {seq} was not written by the service"),
            Self::NeverSealed { seq } => write!(f, "inserted, or its seal is gone: row {seq} is old and in no seal"),
            Self::BrokenSeal { batch } => {
                write!(f, "broken seal: batch {batch} was changed, or does not follow the one before")
            }
            Self::MissingSeal { batch } => write!(f, "missing seal: batch {batch} is gone"),
            Self::CutOff { batch, events } => {
                write!(f, "cut off: the log knows of {events} more events, from batch {batch} on")
            }
            Self::OtherHead { batch } => write!(f, "rewritten: batch {batch} is not the one whose head is in the log"),
            Self::ForgedHead { number } => write!(f, "{number} heads in the file were not signed by this service"),
            Self::Unreadable { line } => write!(f, "edited: line {line} of the archive cannot be read"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            writeln!(f, "FAULT {fault}")?;
        }
        writeln!(
            f,
            "{} seals, {} sealed events as they were recorded, {} not sealed yet.",
            self.seals, self.sealed, self.waiting
        )?;
        match (self.archived_from, self.archived_until) {
            (Some(from), _) => writeln!(f, "The archive was read, from batch {from} on.")?,
            (None, Some(until)) => {
                writeln!(f, "Batches up to {until} were archived, and are not checked here (--archive FOLDER).")?;
            }
            (None, None) => {}
        }
        match self.heads {
            Some(heads) => writeln!(f, "{heads} heads from the log compared.")?,
            None => writeln!(f, "No heads given: a tail that was cut off would not be seen (--heads FILE).")?,
        }
        match self.faults.len() {
            0 => write!(f, "The events are whole."),
            faults => write!(f, "{faults} faults: the events are NOT as they were recorded."),
        }
    }
}
