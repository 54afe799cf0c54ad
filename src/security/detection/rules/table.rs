//! The detection rules. Columns: the counted events, the property by which they are counted, the setting of the
//! threshold (`STRONGROOM_RULES_…`), the action, and the severity of the alert.
//! `docs/rules.md` documents the rules, and each rule has a page in `docs/runbooks/`.

use crate::config::{Rate, RuleSettings};
use crate::security::audit::event::EventKind::{
    self, AuthnLoginFail, AuthnLoginLock, AuthnLoginSpray, AuthnTokenInvalid, AuthnTokenReuse, AuthzFail,
    ExcessRateLimitExceeded, InputValidationFail, MaliciousCors, MaliciousForwardingHeader, SessionEnded,
};
use crate::security::audit::event::Severity::{self, Critical, Warning};

/// The property by which a rule counts: the rule has one counter per user, session, network or account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountBy {
    User,
    Session,
    /// One IPv4 address, or all IPv6 addresses with the same /56 prefix.
    Network,
    /// The account whose mail address the client sent, for example at login. The account may not exist.
    Account,
}

impl CountBy {
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

#[derive(Clone, Copy, Debug)]
pub enum EventFilter {
    All,
    Reasons(&'static [&'static str]),
    /// Only denials of access to an object that belongs to another user.
    Foreign,
    /// Only denials of access to an object that does not exist.
    Missing,
}

/// What a rule does, in addition to the alert, when a count reaches the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: the service has already reacted to each counted event.
    AlertOnly,
    EndSession,
}

pub struct Rule {
    pub name: &'static str,
    pub events: &'static [(EventKind, EventFilter)],
    pub count_by: CountBy,
    pub threshold: fn(&RuleSettings) -> Rate,
    pub action: Action,
    pub severity: Severity,
}

/// The events of signed-in users who requested an object of another user, or a function for administrators.
const DENIALS: &[(EventKind, EventFilter)] =
    &[(AuthzFail, EventFilter::Foreign), (AuthzFail, EventFilter::Reasons(&["forbidden"]))];
const ENUMERATION: &[(EventKind, EventFilter)] =
    &[(AuthzFail, EventFilter::Missing), (AuthzFail, EventFilter::Reasons(&["malformed_id"]))];
/// The reasons of `authn_token_invalid` that only a forged token can cause, because this service never issues such
/// a token.
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

#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    Rule { name: "access_denials",                events: DENIALS,                                                                       count_by: CountBy::User,    threshold: |s| s.access_denials,                action: Action::AlertOnly,  severity: Warning },
    Rule { name: "probing_session",               events: DENIALS,                                                                       count_by: CountBy::Session, threshold: |s| s.probing_session,               action: Action::EndSession, severity: Critical },
    Rule { name: "id_enumeration",                events: ENUMERATION,                                                                   count_by: CountBy::User,    threshold: |s| s.id_enumeration,                action: Action::AlertOnly,  severity: Warning },
    Rule { name: "enumerating_session",           events: ENUMERATION,                                                                   count_by: CountBy::Session, threshold: |s| s.enumerating_session,           action: Action::EndSession, severity: Critical },
    Rule { name: "account_brute_force",           events: &[(AuthnLoginLock, EventFilter::All)],                                         count_by: CountBy::Account, threshold: |s| s.account_brute_force,           action: Action::AlertOnly,  severity: Warning },
    Rule { name: "password_spraying",             events: &[(AuthnLoginSpray, EventFilter::All)],                                        count_by: CountBy::Network, threshold: |s| s.password_spraying,             action: Action::AlertOnly,  severity: Warning },
    Rule { name: "correct_password_while_locked", events: &[(AuthnLoginFail, EventFilter::Reasons(&["correct_password_while_locked"]))], count_by: CountBy::Account, threshold: |s| s.correct_password_while_locked, action: Action::AlertOnly,  severity: Critical },
    Rule { name: "reused_tokens",                 events: &[(AuthnTokenReuse, EventFilter::All)],                                        count_by: CountBy::User,    threshold: |s| s.reused_tokens,                 action: Action::AlertOnly,  severity: Critical },
    Rule { name: "forged_tokens",                 events: &[(AuthnTokenInvalid, EventFilter::Reasons(FORGED))],                          count_by: CountBy::Network, threshold: |s| s.forged_tokens,                 action: Action::AlertOnly,  severity: Warning },
    Rule { name: "tokens_over_plain_http",        events: &[(SessionEnded, EventFilter::Reasons(&["token_over_plain_http"]))],           count_by: CountBy::User,    threshold: |s| s.tokens_over_plain_http,        action: Action::AlertOnly,  severity: Critical },
    Rule { name: "disallowed_origins",            events: &[(MaliciousCors, EventFilter::All)],                                          count_by: CountBy::Network, threshold: |s| s.disallowed_origins,            action: Action::AlertOnly,  severity: Warning },
    Rule { name: "spoofed_forwarding_headers",    events: &[(MaliciousForwardingHeader, EventFilter::All)],                              count_by: CountBy::Network, threshold: |s| s.spoofed_forwarding_headers,    action: Action::AlertOnly,  severity: Warning },
    Rule { name: "input_validation_failures",     events: &[(InputValidationFail, EventFilter::All)],                                    count_by: CountBy::Network, threshold: |s| s.input_validation_failures,     action: Action::AlertOnly,  severity: Warning },
    Rule { name: "rate_limit_floods",             events: &[(ExcessRateLimitExceeded, EventFilter::All)],                                count_by: CountBy::Network, threshold: |s| s.rate_limit_floods,             action: Action::AlertOnly,  severity: Warning },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::detection::alerts::has_wording;

    #[test]
    fn every_rule_has_wording_for_its_alert() {
        for rule in RULES {
            assert!(has_wording(rule.name), "security/detection/alerts/sentences.rs has no words for {}", rule.name);
        }
    }
}
