//! The report that `strongroom audit verify` prints.

use std::fmt;

use crate::security::crypto::keys::KeyId;

/// A difference between the events that the service recorded and the events in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The row's content does not match its MAC.
    Edited { seq: i64 },
    /// A row that a seal covers is missing.
    Deleted { seq: i64, batch: i64 },
    /// The row was sealed at position `from`, but is now at position `seq`.
    Moved { seq: i64, from: i64 },
    /// The row at position `seq` is valid, but another row was sealed at this position.
    Replaced { seq: i64, batch: i64 },
    /// The row has an invalid MAC and no seal, so the service did not write it.
    Inserted { seq: i64 },
    /// The row has a valid MAC and is older than ten minutes, but no seal covers it.
    NeverSealed { seq: i64 },
    /// The MAC of a seal is invalid, or the seal does not contain the MAC of the previous seal.
    BrokenSeal { batch: i64 },
    /// A seal is missing in the chain, although later seals exist.
    MissingSeal { batch: i64 },
    /// The log contains a chain head that is newer than the last seal in the database, so the chain was truncated.
    CutOff { batch: i64, events: i64 },
    /// The log contains a chain head for this batch that differs from the seal in the database.
    OtherHead { batch: i64 },
    /// The log contains this number of chain heads with an invalid signature.
    ForgedHead { number: usize },
    /// This line of the archive is not a batch in JSON.
    Unreadable { line: usize },
    /// The operator did not give the master key with this id, so `number` items with this key cannot be verified.
    UnknownKey { key: KeyId, number: usize },
}

#[derive(Debug, Default)]
pub struct Report {
    pub seals: i64,
    pub sealed: i64,
    /// The number of valid, recent rows that the service has not sealed yet.
    pub waiting: i64,
    /// The number of chain heads that were compared with the seals, or `None` if the operator gave no heads.
    pub heads: Option<usize>,
    /// The first batch in the archive, if an archive was read.
    pub archived_from: Option<i64>,
    /// The last batch that was archived and then deleted from the database.
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
                write!(f, "truncated: the log contains {events} more events, from batch {batch} on")
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
