//! What `strongroom audit verify` finds, and how it says so.

use std::fmt;

use crate::security::crypto::keys::KeyId;

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
    /// A master key that was not given: what it made cannot be checked.
    UnknownKey { key: KeyId, number: usize },
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
            Self::UnknownKey { key, number } => write!(
                f,
                "unknown key: {number} events, seals and heads were made with master key {key}, which was not given. If it is a \
                 retired key of yours, name its file with --retired-key-file; if you never had it, they are forged"
            ),
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
