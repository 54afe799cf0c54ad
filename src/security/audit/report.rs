//! The result of `strongroom audit verify`.

use std::fmt;

use crate::security::crypto::keys::KeyId;

/// A difference between the events that were recorded and the events that are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The content of a row does not match its MAC.
    Edited { seq: i64 },
    /// A sealed row is missing.
    Deleted { seq: i64, batch: i64 },
    /// The row at this position was sealed at another position.
    Moved { seq: i64, from: i64 },
    /// The row at this position is not the row that was sealed there.
    Replaced { seq: i64, batch: i64 },
    /// The service did not write this row.
    Inserted { seq: i64 },
    /// The row is old, but no seal covers it.
    NeverSealed { seq: i64 },
    /// The MAC of a seal is invalid, or the seal does not follow the previous seal.
    BrokenSeal { batch: i64 },
    /// A seal is missing, but later seals exist.
    MissingSeal { batch: i64 },
    /// The log contains a newer chain head than the last seal in the database: the chain was truncated.
    CutOff { batch: i64, events: i64 },
    /// The log contains a different chain head for this batch.
    OtherHead { batch: i64 },
    /// The log contains chain heads with an invalid signature.
    ForgedHead { number: usize },
    /// This line of the archive is not a batch.
    Unreadable { line: usize },
    /// The master key with this id was not given, so signatures with this key cannot be checked.
    UnknownKey { key: KeyId, number: usize },
}

/// The result of a verification: the numbers of items that were read, and the faults.
#[derive(Debug, Default)]
pub struct Report {
    pub seals: i64,
    pub sealed: i64,
    /// The number of rows that are too new to be sealed.
    pub waiting: i64,
    /// The number of chain heads that were compared. `None` if no heads were given.
    pub heads: Option<usize>,
    /// The first batch of the archive, if one was given.
    pub archived_from: Option<i64>,
    /// The last batch that was archived and removed from the database.
    pub archived_until: Option<i64>,
    pub faults: Vec<Fault>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited { seq } => write!(f, "edited: row {seq} is not what was recorded"),
            Self::Deleted { seq, batch } => write!(f, "deleted: row {seq} of batch {batch} is missing"),
            Self::Moved { seq, from } => write!(f, "reordered: the row at {seq} was recorded at {from}"),
            Self::Replaced { seq, batch } => write!(f, "replaced: row {seq} of batch {batch} is a different event"),
            Self::Inserted { seq } => write!(f, "inserted: row {seq} was not written by the service"),
            Self::NeverSealed { seq } => {
                write!(f, "inserted, or its seal was deleted: row {seq} is old and not sealed")
            }
            Self::BrokenSeal { batch } => {
                write!(f, "broken seal: batch {batch} was changed, or does not follow the previous batch")
            }
            Self::MissingSeal { batch } => write!(f, "missing seal: batch {batch} was deleted"),
            Self::CutOff { batch, events } => {
                write!(f, "truncated: the log knows of {events} more events, from batch {batch} on")
            }
            Self::OtherHead { batch } => write!(f, "rewritten: the log has a different head for batch {batch}"),
            Self::ForgedHead { number } => write!(f, "{number} heads in the file have an invalid signature"),
            Self::Unreadable { line } => write!(f, "edited: line {line} of the archive cannot be read"),
            Self::UnknownKey { key, number } => write!(
                f,
                "unknown key: {number} events, seals and heads were signed with master key {key}, which was not given. If it is \
                 one of your retired keys, pass its file with --retired-key-file. Otherwise they are forged"
            ),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            writeln!(f, "FAULT {fault}")?;
        }
        writeln!(f, "{} seals, {} sealed events verified, {} not sealed yet.", self.seals, self.sealed, self.waiting)?;
        match (self.archived_from, self.archived_until) {
            (Some(from), _) => writeln!(f, "The archive was read, from batch {from} on.")?,
            (None, Some(until)) => {
                writeln!(f, "Batches up to {until} were archived and are not verified here (use --archive FOLDER).")?;
            }
            (None, None) => {}
        }
        match self.heads {
            Some(heads) => writeln!(f, "{heads} heads from the log compared.")?,
            None => writeln!(f, "No heads given: truncation would not be detected (use --heads FILE).")?,
        }
        match self.faults.len() {
            0 => write!(f, "No faults: the events are as they were recorded."),
            faults => write!(f, "{faults} faults: the events are NOT as they were recorded."),
        }
    }
}
