//! The finding of a detection rule, and the state of the alert that it opens.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::base::id::UserId;
use crate::security::audit::event::Severity;

/// The result of a rule: the count of one subject has reached the threshold.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The name of the rule, for example `access_denials`. The name selects the runbook and the sentence of the alert.
    pub rule: &'static str,
    pub severity: Severity,
    pub subject: Subject,
    /// The property by which the rule counts, for example `network` (`CountBy::name`).
    pub counted_for: &'static str,
    /// The number of events at which the rule raises an alert.
    pub threshold: i64,
    pub count: i64,
    /// The window of the rule. An open alert sends at most one summary per window, and is cleared after one window
    /// without findings.
    pub window: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    User(UserId),
    /// The IP address, or the prefix of an IPv6 address (`ClientAddr::prefix`).
    Network(IpAddr),
    /// The keyed hash of a mail address that a client sent, in hex (`LoginAttempt::subject`).
    Account(String),
    /// All subjects of a combined alert. The text is the property by which the rule counts ([`Finding::counted_for`]).
    All(&'static str),
}

impl Subject {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Network(_) => "network",
            Self::Account(_) => "account",
            Self::All(counted_for) => counted_for,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => user.fmt(f),
            Self::Network(address) => address.fmt(f),
            Self::Account(hash) => f.write_str(hash),
            Self::All(_) => Ok(()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Open,
    Cleared,
}

impl State {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Cleared => "cleared",
        }
    }
}
