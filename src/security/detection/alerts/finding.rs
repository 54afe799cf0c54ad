//! A finding of a rule, and the state of the alert that it opens.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::base::id::UserId;
use crate::security::audit::event::Severity;

/// The result of a rule whose count has reached its threshold.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The name of the rule, for example `access_denials`. It selects the alert, its runbook and its wording.
    pub rule: &'static str,
    pub severity: Severity,
    pub subject: Subject,
    /// The name of the rule's `CountBy`, for example `network`.
    pub counted_for: &'static str,
    /// The count at which the rule raises an alert.
    pub threshold: i64,
    /// The count in the current window.
    pub count: i64,
    /// The rule's window. It is also the interval between summaries, and the time without findings after which the
    /// alert is cleared.
    pub window: Duration,
}

/// The subject that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    User(UserId),
    /// The address prefix of one subscriber (`ClientAddr::prefix`).
    Network(IpAddr),
    /// The keyed hash of an identifier that a client sent, in hex (`LoginAttempt::subject`).
    Account(String),
    /// All subjects of a combined alert. The text is the name of the rule's `CountBy` ([`Finding::counted_for`]).
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

/// The state of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Open,
    Cleared,
}

impl State {
    /// Returns the name that is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Cleared => "cleared",
        }
    }
}
