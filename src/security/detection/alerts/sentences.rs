//! The sentence of an alert: who did what, how often, in what time, and how the service has reacted.

use super::messages::Message;

/// The words for one rule. They form a sentence, for example: "User 4821 was refused 32 objects of other users or
/// administrator functions in the last 5 minutes; the session was ended."
struct Wording {
    rule: &'static str,
    /// The verb for one subject, and the verb for several subjects.
    verb: (&'static str, &'static str),
    /// What the rule counts, in the singular and in the plural.
    object: (&'static str, &'static str),
    outcome: Outcome,
}

/// How the service has already reacted to the events.
#[derive(Clone, Copy)]
enum Outcome {
    Nothing,
    SessionEnded,
    Refused,
    HeadersIgnored,
}

const WAS_REFUSED: (&str, &str) = ("was refused", "were refused");
const HAD: (&str, &str) = ("had", "had");
const TRIGGERED: (&str, &str) = ("triggered", "triggered");
const SENT: (&str, &str) = ("sent", "sent");
const FOREIGN: (&str, &str) =
    ("object of another user or administrator function", "objects of other users or administrator functions");
const MISSING: (&str, &str) = ("object that does not exist", "objects that do not exist");

#[rustfmt::skip]
const WORDINGS: &[Wording] = &[
    Wording { rule: "access_denials",                verb: WAS_REFUSED, object: FOREIGN, outcome: Outcome::Nothing },
    Wording { rule: "probing_session",               verb: WAS_REFUSED, object: FOREIGN, outcome: Outcome::SessionEnded },
    Wording { rule: "id_enumeration",                verb: WAS_REFUSED, object: MISSING, outcome: Outcome::Nothing },
    Wording { rule: "enumerating_session",           verb: WAS_REFUSED, object: MISSING, outcome: Outcome::SessionEnded },
    Wording { rule: "account_brute_force",           verb: HAD,         object: ("lockout of unknown clients after failed logins", "lockouts of unknown clients after failed logins"), outcome: Outcome::Nothing },
    Wording { rule: "password_spraying",             verb: TRIGGERED,   object: ("throttle for password spraying", "throttles for password spraying"), outcome: Outcome::Nothing },
    Wording { rule: "correct_password_while_locked", verb: HAD,         object: ("login with the correct password during a lockout", "logins with the correct password during a lockout"), outcome: Outcome::Refused },
    Wording { rule: "reused_tokens",                 verb: HAD,         object: ("replayed token", "replayed tokens"), outcome: Outcome::SessionEnded },
    Wording { rule: "forged_tokens",                 verb: SENT,        object: ("access token that this service did not issue", "access tokens that this service did not issue"), outcome: Outcome::Refused },
    Wording { rule: "tokens_over_plain_http",        verb: SENT,        object: ("token over plain HTTP", "tokens over plain HTTP"), outcome: Outcome::SessionEnded },
    Wording { rule: "disallowed_origins",            verb: SENT,        object: ("request from a web page of a disallowed origin", "requests from web pages of disallowed origins"), outcome: Outcome::Refused },
    Wording { rule: "spoofed_forwarding_headers",    verb: SENT,        object: ("request with spoofed proxy headers", "requests with spoofed proxy headers"), outcome: Outcome::HeadersIgnored },
    Wording { rule: "input_validation_failures",     verb: SENT,        object: ("request that failed input validation", "requests that failed input validation"), outcome: Outcome::Refused },
    Wording { rule: "rate_limit_floods",             verb: SENT,        object: ("request over its rate limit", "requests over their rate limit"), outcome: Outcome::Refused },
];

/// The words for an alert of a rule that no longer exists.
const UNKNOWN: Wording = Wording { rule: "", verb: HAD, object: ("finding", "findings"), outcome: Outcome::Nothing };

impl Outcome {
    fn clause(self, is_one: bool) -> &'static str {
        match (self, is_one) {
            (Self::Nothing, _) => "",
            (Self::SessionEnded, true) => "; the session was ended",
            (Self::SessionEnded, false) => "; each session was ended",
            (Self::Refused, true) => "; it was refused",
            (Self::Refused, false) => "; each was refused",
            (Self::HeadersIgnored, _) => "; the headers were ignored",
        }
    }
}

impl Message {
    /// Returns the text of the message. A combined alert also names the subjects with the most events.
    #[must_use]
    pub fn sentence(&self) -> String {
        let words = WORDINGS.iter().find(|words| words.rule == self.rule).unwrap_or(&UNKNOWN);
        let is_combined = self.subject.is_empty();
        let subject = self.subject_name();
        let verb = if is_combined { words.verb.1 } else { words.verb.0 };
        let window = format_duration(self.window_seconds);
        if self.kind == "cleared" {
            return format!("It has ended: {subject} {verb} no further {} for {window}.", words.object.1);
        }
        let prefix = if self.kind == "continues" { "It continues: " } else { "" };
        let object = if self.count == 1 { words.object.0 } else { words.object.1 };
        // A rule that counts by session has ended one session, even after several events. So the clause is in the
        // singular.
        let is_one = self.count == 1 || (self.rule.ends_with("_session") && !is_combined);
        let clause = words.outcome.clause(is_one);
        let largest =
            if self.largest.is_empty() { String::new() } else { format!(" Most by {}.", self.largest.join(", ")) };
        let sentence =
            format!("{prefix}{subject} {verb} {} {object} in the last {window}{clause}.{largest}", self.count);
        capitalise(&sentence)
    }

    /// Returns the subject as text, for example `user anna@demo.example (4821)` or `300 networks`.
    fn subject_name(&self) -> String {
        match (self.subject.as_str(), &self.address) {
            ("", _) => format!("{} {}s", self.members, self.subject_kind),
            (id, Some(address)) => format!("{} {address} ({id})", self.subject_kind),
            (id, None) => format!("{} {id}", self.subject_kind),
        }
    }
}

fn capitalise(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn format_duration(seconds: i64) -> String {
    let (number, unit) = match seconds {
        seconds if seconds % 3600 == 0 => (seconds / 3600, "hour"),
        seconds if seconds % 60 == 0 => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    if number == 1 { unit.to_owned() } else { format!("{number} {unit}s") }
}

#[cfg(test)]
pub fn has_wording(rule: &str) -> bool {
    WORDINGS.iter().any(|words| words.rule == rule)
}

#[cfg(test)]
mod tests {
    use super::super::messages::example;
    use super::*;

    fn of_rule(rule: &str, subject_kind: &str, subject: &str, count: i64) -> Message {
        Message { rule: rule.into(), count, ..example("opened", subject_kind, subject) }
    }

    #[test]
    fn alert_sentence_states_who_did_what() {
        let sentence = |kind| example(kind, "user", "4821").sentence();
        assert_eq!(
            sentence("opened"),
            "User 4821 was refused 47 objects of other users or administrator functions in the last 5 minutes."
        );
        assert_eq!(
            sentence("continues"),
            "It continues: user 4821 was refused 47 objects of other users or administrator functions in the last 5 minutes."
        );
        assert_eq!(
            sentence("cleared"),
            "It has ended: user 4821 was refused no further objects of other users or administrator functions for 5 minutes."
        );
        let probing = of_rule("probing_session", "user", "4821", 32).sentence();
        assert_eq!(
            probing,
            "User 4821 was refused 32 objects of other users or administrator functions in the last 5 minutes; the session was ended."
        );
        let brute_force = of_rule("account_brute_force", "account", "0123456789abcdef", 1).sentence();
        assert_eq!(
            brute_force,
            "Account 0123456789abcdef had 1 lockout of unknown clients after failed logins in the last 5 minutes."
        );
        let flood = of_rule("rate_limit_floods", "network", "203.0.113.7", 200).sentence();
        assert_eq!(
            flood,
            "Network 203.0.113.7 sent 200 requests over their rate limit in the last 5 minutes; each was refused."
        );
        assert_eq!(
            ["hour", "2 minutes", "90 seconds"],
            [3600, 120, 90].map(format_duration).each_ref().map(String::as_str)
        );
    }

    #[test]
    fn email_address_precedes_the_id_where_the_sink_may_see_it() {
        let address = Some("anna@demo.example".to_owned());
        let sentence = Message { address, ..example("opened", "user", "4821") }.sentence();
        assert!(sentence.starts_with("User anna@demo.example (4821) was refused 47 objects"), "{sentence}");
    }

    #[test]
    fn combined_alert_counts_its_members_and_names_the_largest() {
        let largest = vec!["10.0.0.1".to_owned(), "2001:db8::".to_owned()];
        let combined = |kind: &str| Message {
            members: 1_001,
            largest: largest.clone(),
            kind: kind.into(),
            ..of_rule("forged_tokens", "network", "", 10_010)
        };
        assert_eq!(
            combined("opened").sentence(),
            "1001 networks sent 10010 access tokens that this service did not issue in the last 5 minutes; each was refused. Most by 10.0.0.1, 2001:db8::."
        );
        assert_eq!(
            combined("cleared").sentence(),
            "It has ended: 1001 networks sent no further access tokens that this service did not issue for 5 minutes."
        );
        let sessions = Message { kind: "opened".into(), members: 12, ..of_rule("probing_session", "session", "", 400) };
        assert_eq!(
            sessions.sentence(),
            "12 sessions were refused 400 objects of other users or administrator functions in the last 5 minutes; each session was ended."
        );
    }
}
