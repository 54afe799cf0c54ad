//! A finding of a rule, and the state of the alert that it opens.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::base::id::UserId;
use crate::security::audit::event::Severity;

/// What a rule found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What is counted, in the plural, as `access_denials`: it names the alert, its runbook, and the words of its message.
    pub rule: &'static str,
    pub severity: Severity,
    pub about: About,
    /// For what the rule counts, in the singular: `network`.
    pub counted_for: &'static str,
    /// From how many on it is a finding.
    pub threshold: i64,
    /// How many there are in the running window by now.
    pub count: i64,
    /// The rule's window: also how often people are told while it goes on, and how long it must be quiet to be over.
    pub window: Duration,
}

/// The subject of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    User(UserId),
    /// The prefix that one subscriber has (`ClientAddr::prefix`).
    Network(IpAddr),
    /// The keyed hash of an identifier that a client typed, in hexadecimal (`Attempt::subject`).
    Account(String),
    /// All networks (or users, sessions, accounts: [`Finding::counted_for`]) that the rule has found.
    All(&'static str),
}

impl About {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Network(_) => "network",
            Self::Account(_) => "account",
            Self::All(counted_for) => counted_for,
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => user.fmt(f),
            Self::Network(address) => address.fmt(f),
            Self::Account(hash) => f.write_str(hash),
            Self::All(_) => Ok(()),
        }
    }
}

/// Whether an alert goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Open,
    Cleared,
}

impl State {
    /// Its name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Cleared => "cleared",
        }
    }
}
