//! What an alert says, as the person on call needs it: who did what, how often, within what time, and what was done about it.

use super::messages::Message;

/// The words of one rule: `User 4821 was refused 47 objects of other users or administrator functions in the last 5 minutes; the session was ended.`
struct Words {
    rule: &'static str,
    /// Of one, and of several.
    verb: (&'static str, &'static str),
    /// What is counted: one of it, and several.
    object: (&'static str, &'static str),
    outcome: Outcome,
}

/// What has been done already.
#[derive(Clone, Copy)]
enum Outcome {
    Nothing,
    SessionEnded,
    Refused,
    HeadersIgnored,
}

const WAS_REFUSED: (&str, &str) = ("was refused", "were refused");
const HAD: (&str, &str) = ("had", "had");
const SENT: (&str, &str) = ("sent", "sent");
const FOREIGN: (&str, &str) =
    ("object of another user or administrator function", "objects of other users or administrator functions");
const MISSING: (&str, &str) = ("object that does not exist", "objects that do not exist");

/// A test holds that every rule is here.
#[rustfmt::skip]
const WORDS: &[Words] = &[
    Words { rule: "access_denials",              verb: WAS_REFUSED, object: FOREIGN, outcome: Outcome::Nothing },
    Words { rule: "probing_session",             verb: WAS_REFUSED, object: FOREIGN, outcome: Outcome::SessionEnded },
    Words { rule: "guessed_ids",                 verb: WAS_REFUSED, object: MISSING, outcome: Outcome::Nothing },
    Words { rule: "guessing_session",            verb: WAS_REFUSED, object: MISSING, outcome: Outcome::SessionEnded },
    Words { rule: "account_hammered",            verb: HAD,  object: ("lock against unknown devices after failed sign-ins", "locks against unknown devices after failed sign-ins"), outcome: Outcome::Nothing },
    Words { rule: "many_accounts",               verb: HAD,  object: ("slow-down for trying many accounts", "slow-downs for trying many accounts"), outcome: Outcome::Nothing },
    Words { rule: "right_password_while_locked", verb: HAD,  object: ("sign-in with the right password while it was locked", "sign-ins with the right password while it was locked"), outcome: Outcome::Refused },
    Words { rule: "stolen_tokens",               verb: HAD,  object: ("token that was used twice", "tokens that were used twice"), outcome: Outcome::SessionEnded },
    Words { rule: "forged_tokens",               verb: SENT, object: ("access token that this service did not issue", "access tokens that this service did not issue"), outcome: Outcome::Refused },
    Words { rule: "tokens_on_plain_http",        verb: SENT, object: ("token over plain HTTP", "tokens over plain HTTP"), outcome: Outcome::SessionEnded },
    Words { rule: "foreign_origins",             verb: SENT, object: ("request from a web page of a foreign origin", "requests from web pages of foreign origins"), outcome: Outcome::Refused },
    Words { rule: "forged_addresses",            verb: SENT, object: ("request with the headers of a proxy", "requests with the headers of a proxy"), outcome: Outcome::HeadersIgnored },
    Words { rule: "hostile_input",               verb: SENT, object: ("request that breaks the contract of the API", "requests that break the contract of the API"), outcome: Outcome::Refused },
    Words { rule: "floods",                      verb: SENT, object: ("request beyond its rate limit", "requests beyond their rate limit"), outcome: Outcome::Refused },
];

/// For an alert whose rule an older build had.
const UNKNOWN: Words = Words { rule: "", verb: HAD, object: ("finding", "findings"), outcome: Outcome::Nothing };

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
    /// One sentence, or two for an alert that continues or is over. The address of a user stands in it only if the sink may see it.
    #[must_use]
    pub fn sentence(&self) -> String {
        let words = WORDS.iter().find(|words| words.rule == self.rule).unwrap_or(&UNKNOWN);
        let over_all = self.about.is_empty();
        let subject = self.subject();
        let verb = if over_all { words.verb.1 } else { words.verb.0 };
        let window = in_words(self.window_seconds);
        if self.kind == "cleared" {
            return format!("It is over: {subject} {verb} no further {} for {window}.", words.object.1);
        }
        let begins = if self.kind == "continues" { "It goes on: " } else { "" };
        let object = if self.count == 1 { words.object.0 } else { words.object.1 };
        // A rule that counts for each session ends that one.
        let is_one = self.count == 1 || (self.rule.ends_with("_session") && !over_all);
        let clause = words.outcome.clause(is_one);
        let most =
            if self.largest.is_empty() { String::new() } else { format!(" Most by {}.", self.largest.join(", ")) };
        let sentence = format!("{begins}{subject} {verb} {} {object} in the last {window}{clause}.{most}", self.count);
        capitalised(&sentence)
    }

    /// `user anna@demo.example (4821)`, `network 203.0.113.7`, `300 networks`.
    fn subject(&self) -> String {
        match (self.about.as_str(), &self.address) {
            ("", _) => format!("{} {}s", self.members, self.about_kind),
            (about, Some(address)) => format!("{} {address} ({about})", self.about_kind),
            (about, None) => format!("{} {about}", self.about_kind),
        }
    }
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn in_words(seconds: i64) -> String {
    let (number, unit) = match seconds {
        seconds if seconds % 3600 == 0 => (seconds / 3600, "hour"),
        seconds if seconds % 60 == 0 => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    if number == 1 { unit.to_owned() } else { format!("{number} {unit}s") }
}

/// Whether this rule has words of its own.
#[cfg(test)]
pub fn has_words(rule: &str) -> bool {
    WORDS.iter().any(|words| words.rule == rule)
}

#[cfg(test)]
mod tests {
    use super::super::messages::example;
    use super::*;

    fn of_rule(rule: &str, about_kind: &str, about: &str, count: i64) -> Message {
        Message { rule: rule.into(), count, ..example("opened", about_kind, about) }
    }

    #[test]
    fn alert_is_a_sentence_that_says_who_did_what() {
        let said = |kind| example(kind, "user", "4821").sentence();
        assert_eq!(
            said("opened"),
            "User 4821 was refused 47 objects of other users or administrator functions in the last 5 minutes."
        );
        assert_eq!(
            said("continues"),
            "It goes on: user 4821 was refused 47 objects of other users or administrator functions in the last 5 minutes."
        );
        assert_eq!(
            said("cleared"),
            "It is over: user 4821 was refused no further objects of other users or administrator functions for 5 minutes."
        );
        let probing = of_rule("probing_session", "user", "4821", 32).sentence();
        assert_eq!(
            probing,
            "User 4821 was refused 32 objects of other users or administrator functions in the last 5 minutes; the session was ended."
        );
        let hammered = of_rule("account_hammered", "account", "0123456789abcdef", 1).sentence();
        assert_eq!(
            hammered,
            "Account 0123456789abcdef had 1 lock against unknown devices after failed sign-ins in the last 5 minutes."
        );
        let flood = of_rule("floods", "network", "203.0.113.7", 200).sentence();
        assert_eq!(
            flood,
            "Network 203.0.113.7 sent 200 requests beyond their rate limit in the last 5 minutes; each was refused."
        );
        assert_eq!(["hour", "2 minutes", "90 seconds"], [3600, 120, 90].map(in_words).each_ref().map(String::as_str));
    }

    #[test]
    fn address_stands_before_the_id_where_the_sink_may_see_it() {
        let address = Some("anna@demo.example".to_owned());
        let said = Message { address, ..example("opened", "user", "4821") }.sentence();
        assert!(said.starts_with("User anna@demo.example (4821) was refused 47 objects"), "{said}");
    }

    #[test]
    fn alert_over_all_counts_its_members_and_names_the_largest() {
        let largest = vec!["10.0.0.1".to_owned(), "2001:db8::".to_owned()];
        let over_all = |kind: &str| Message {
            members: 1_001,
            largest: largest.clone(),
            kind: kind.into(),
            ..of_rule("forged_tokens", "network", "", 10_010)
        };
        assert_eq!(
            over_all("opened").sentence(),
            "1001 networks sent 10010 access tokens that this service did not issue in the last 5 minutes; each was refused. Most by 10.0.0.1, 2001:db8::."
        );
        assert_eq!(
            over_all("cleared").sentence(),
            "It is over: 1001 networks sent no further access tokens that this service did not issue for 5 minutes."
        );
        let sessions = Message { kind: "opened".into(), members: 12, ..of_rule("probing_session", "session", "", 400) };
        assert_eq!(
            sessions.sentence(),
            "12 sessions were refused 400 objects of other users or administrator functions in the last 5 minutes; each session was ended."
        );
    }
}
