//! What people are told, in words and in JSON. Ids, counts and our own words only: nothing in it was typed by anybody, and what
//! goes to a chat is escaped all the same.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// One message of an alert.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: Uuid,
    /// `opened`, `continues` or `cleared`.
    pub kind: String,
    pub count: i64,
    /// Including the one that is being made.
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
    pub alert_id: Uuid,
    pub rule: String,
    pub severity: String,
    pub about_kind: String,
    /// Empty for an alert over all.
    pub about: String,
    /// How many an alert over all is about, and those with the most events.
    pub members: i64,
    pub largest: Vec<String>,
    pub window_seconds: i64,
    pub opened_at: DateTime<Utc>,
}

/// Where the runbooks are: a page a rule.
#[derive(Clone, Debug)]
pub struct Runbooks(pub String);

impl Runbooks {
    /// The page of this rule.
    #[must_use]
    pub fn page(&self, rule: &str) -> String {
        format!("{}/{rule}.md", self.0)
    }
}

impl Message {
    /// One sentence: `user 4821…: 47 access denials in the last 5 minutes`. Of an alert over all: `1001 networks: …, most by …`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let who = match self.about.as_str() {
            "" => format!("{} {}s", self.members, self.about_kind),
            about => format!("{} {about}", self.about_kind),
        };
        let most = match self.largest.join(", ") {
            largest if largest.is_empty() => largest,
            largest => format!(", most by {largest}"),
        };
        let what = self.rule.replace('_', " ");
        let window = in_words(self.window_seconds);
        match self.kind.as_str() {
            "opened" => format!("{who}: {} {what} in the last {window}{most}", self.count),
            "continues" => format!("{who}: it goes on, up to {} {what} in {window}{most}", self.count),
            _ => format!("{who}: it is over, no more {what} for {window}"),
        }
    }

    /// The sentence, how much it matters, and where to read on.
    #[must_use]
    pub fn text(&self, runbooks: &Runbooks) -> String {
        format!("[{}] {}. What to do: {}", self.severity, self.sentence(), runbooks.page(&self.rule))
    }

    /// For the signed webhook; `docs/alerts.md` explains each member.
    #[must_use]
    pub fn json(&self, runbooks: &Runbooks) -> Value {
        json!({
            "id": self.id,
            "kind": self.kind,
            "at": self.created_at,
            "text": self.sentence(),
            "runbook": runbooks.page(&self.rule),
            "alert": {
                "id": self.alert_id,
                "rule": self.rule,
                "severity": self.severity,
                "about": {"kind": self.about_kind, "id": self.about},
                "members": self.members,
                "largest": self.largest,
                "count": self.count,
                "window_seconds": self.window_seconds,
                "opened_at": self.opened_at,
            },
        })
    }

    /// For a Slack-compatible webhook.
    #[must_use]
    pub fn slack(&self, runbooks: &Runbooks) -> Value {
        json!({"text": escaped(&self.text(runbooks))})
    }
}

/// `<!channel>` and `<https://evil.example|Approve>` are live in chat tools.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn in_words(seconds: i64) -> String {
    let (number, unit) = match seconds {
        seconds if seconds % 3600 == 0 => (seconds / 3600, "hour"),
        seconds if seconds % 60 == 0 => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    if number == 1 { unit.to_owned() } else { format!("{number} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, about_kind: &str, about: &str) -> Message {
        Message {
            id: Uuid::nil(),
            kind: kind.into(),
            count: 47,
            attempts: 1,
            created_at: DateTime::UNIX_EPOCH,
            alert_id: Uuid::nil(),
            rule: "access_denials".into(),
            severity: "warning".into(),
            about_kind: about_kind.into(),
            about: about.into(),
            members: 1,
            largest: Vec::new(),
            window_seconds: 300,
            opened_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_message_is_a_sentence() {
        let said = |kind| message(kind, "user", "4821").sentence();
        assert_eq!(said("opened"), "user 4821: 47 access denials in the last 5 minutes");
        assert_eq!(said("continues"), "user 4821: it goes on, up to 47 access denials in 5 minutes");
        assert_eq!(said("cleared"), "user 4821: it is over, no more access denials for 5 minutes");
        assert_eq!(["hour", "2 minutes", "90 seconds"], [3600, 120, 90].map(in_words).each_ref().map(String::as_str));
    }

    #[test]
    fn message_over_all_counts_its_members_and_names_the_largest() {
        let largest = vec!["10.0.0.1".to_owned(), "2001:db8::".to_owned()];
        let over_all = |kind| Message { members: 1_001, largest: largest.clone(), ..message(kind, "network", "") };
        let most = "most by 10.0.0.1, 2001:db8::";
        let said = |kind| over_all(kind).sentence();
        assert_eq!(said("opened"), format!("1001 networks: 47 access denials in the last 5 minutes, {most}"));
        assert_eq!(
            said("continues"),
            format!("1001 networks: it goes on, up to 47 access denials in 5 minutes, {most}")
        );
        assert_eq!(said("cleared"), "1001 networks: it is over, no more access denials for 5 minutes");
    }

    #[test]
    fn a_message_leads_to_its_runbook() {
        let runbooks = Runbooks("https://wiki.example/runbooks".into());
        let text = message("opened", "user", "4821").text(&runbooks);
        assert!(text.ends_with("What to do: https://wiki.example/runbooks/access_denials.md"), "{text}");
    }

    #[test]
    fn what_would_be_live_in_a_chat_is_escaped() {
        let slack =
            message("opened", "account", "<!channel> & <https://evil.example|Approve>").slack(&Runbooks("x".into()));
        let text = slack["text"].as_str().unwrap();
        assert!(text.contains("&lt;!channel&gt; &amp; &lt;https://evil.example|Approve&gt;"), "{text}");
        assert!(!text.contains(['<', '>']), "{text}");
    }
}
