//! The rules of abuse, one row each: which events, counted for whom, from how many on (a setting, `STRONGROOM_RULES_…`), with
//! what answer, and how urgent the alert is. `docs/rules.md` has the table for people; each name has its page in
//! `docs/runbooks/`.

use crate::config::{Rate, RuleSettings};
use crate::security::audit::event::EventKind::{
    self, AuthnLoginFail, AuthnLoginLock, AuthnLoginSpray, AuthnTokenInvalid, AuthnTokenReuse, AuthzFail,
    ExcessRateLimitExceeded, InputValidationFail, MaliciousCors, MaliciousForwardingHeader, SessionEnded,
};
use crate::security::audit::event::Severity::{self, Critical, Warning};

/// For whom events are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    User,
    Session,
    /// An IPv4 address, or the /56 of an IPv6 one.
    Network,
    /// A typed name, by its keyed hash.
    Account,
}

impl Per {
    /// Its name in alerts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Session => "session",
            Self::Network => "network",
            Self::Account => "account",
        }
    }
}

/// Which events of a kind.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    All,
    /// With one of these reasons.
    For(&'static [&'static str]),
    /// A denied object that somebody else has.
    Foreign,
    /// A denied object that nobody has.
    Missing,
}

/// What is done, besides telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing here: what is counted was refused already.
    Tell,
    EndSession,
}

/// One rule.
pub struct Rule {
    pub name: &'static str,
    pub events: &'static [(EventKind, Which)],
    pub per: Per,
    pub threshold: fn(&RuleSettings) -> Rate,
    pub answer: Answer,
    pub severity: Severity,
}

/// What a signed-in user may not touch.
const DENIALS: &[(EventKind, Which)] = &[(AuthzFail, Which::Foreign), (AuthzFail, Which::For(&["forbidden"]))];
const GUESSES: &[(EventKind, Which)] = &[(AuthzFail, Which::Missing), (AuthzFail, Which::For(&["malformed_id"]))];
/// Faults that no token of ours ever has.
const FORGED: &[&str] = &[
    "algorithm",
    "header",
    "type",
    "unknown_key",
    "signature",
    "issuer",
    "audience",
    "unknown_session",
    "foreign_session",
];

/// Every rule.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    Rule { name: "access_denials",              events: DENIALS,                                               per: Per::User,    threshold: |s| s.access_denials,              answer: Answer::Tell,       severity: Warning },
    Rule { name: "probing_session",             events: DENIALS,                                               per: Per::Session, threshold: |s| s.probing_session,             answer: Answer::EndSession, severity: Critical },
    Rule { name: "guessed_ids",                 events: GUESSES,                                               per: Per::User,    threshold: |s| s.guessed_ids,                 answer: Answer::Tell,       severity: Warning },
    Rule { name: "guessing_session",            events: GUESSES,                                               per: Per::Session, threshold: |s| s.guessing_session,            answer: Answer::EndSession, severity: Critical },
    Rule { name: "account_hammered",            events: &[(AuthnLoginLock, Which::All)],                       per: Per::Account, threshold: |s| s.account_hammered,            answer: Answer::Tell,       severity: Warning },
    Rule { name: "many_accounts",               events: &[(AuthnLoginSpray, Which::All)],                      per: Per::Network, threshold: |s| s.many_accounts,               answer: Answer::Tell,       severity: Warning },
    Rule { name: "right_password_while_locked", events: &[(AuthnLoginFail, Which::For(&["locked_but_right"]))], per: Per::Account, threshold: |s| s.right_password_while_locked, answer: Answer::Tell,       severity: Critical },
    Rule { name: "stolen_tokens",               events: &[(AuthnTokenReuse, Which::All)],                      per: Per::User,    threshold: |s| s.stolen_tokens,               answer: Answer::Tell,       severity: Critical },
    Rule { name: "forged_tokens",               events: &[(AuthnTokenInvalid, Which::For(FORGED))],            per: Per::Network, threshold: |s| s.forged_tokens,               answer: Answer::Tell,       severity: Warning },
    Rule { name: "tokens_on_plain_http",        events: &[(SessionEnded, Which::For(&["seen_on_plain_http"]))], per: Per::User,    threshold: |s| s.tokens_on_plain_http,        answer: Answer::Tell,       severity: Critical },
    Rule { name: "foreign_origins",             events: &[(MaliciousCors, Which::All)],                        per: Per::Network, threshold: |s| s.foreign_origins,             answer: Answer::Tell,       severity: Warning },
    Rule { name: "forged_addresses",            events: &[(MaliciousForwardingHeader, Which::All)],            per: Per::Network, threshold: |s| s.forged_addresses,            answer: Answer::Tell,       severity: Warning },
    Rule { name: "hostile_input",               events: &[(InputValidationFail, Which::All)],                  per: Per::Network, threshold: |s| s.hostile_input,               answer: Answer::Tell,       severity: Warning },
    Rule { name: "floods",                      events: &[(ExcessRateLimitExceeded, Which::All)],              per: Per::Network, threshold: |s| s.floods,                      answer: Answer::Tell,       severity: Warning },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::detection::alerts::has_words;

    #[test]
    fn every_rule_has_words_for_its_alert() {
        for rule in RULES {
            assert!(has_words(rule.name), "security/detection/alerts/sentences.rs has no words for {}", rule.name);
        }
    }
}
