//! What people are told, in words and in JSON: ids, counts and our own words, and a user's address where the sink may see it. What
//! goes to a chat is escaped.

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
    /// The user's, if the alert is about one and the sink may see it.
    pub address: Option<String>,
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
    /// The sentence, how much it matters, and where to read on.
    #[must_use]
    pub fn text(&self, runbooks: &Runbooks) -> String {
        format!("[{}] {} What to do: {}", self.severity, self.sentence(), runbooks.page(&self.rule))
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
                "about": {"kind": self.about_kind, "id": self.about, "address": self.address},
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

/// For the tests here and of the sentences.
#[cfg(test)]
pub fn example(kind: &str, about_kind: &str, about: &str) -> Message {
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
        address: None,
        members: 1,
        largest: Vec::new(),
        window_seconds: 300,
        opened_at: DateTime::UNIX_EPOCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_leads_to_its_runbook() {
        let runbooks = Runbooks("https://wiki.example/runbooks".into());
        let text = example("opened", "user", "4821").text(&runbooks);
        assert!(text.ends_with("What to do: https://wiki.example/runbooks/access_denials.md"), "{text}");
    }

    #[test]
    fn what_would_be_live_in_a_chat_is_escaped() {
        let slack =
            example("opened", "account", "<!channel> & <https://evil.example|Approve>").slack(&Runbooks("x".into()));
        let text = slack["text"].as_str().unwrap();
        assert!(text.contains("&lt;!channel&gt; &amp; &lt;https://evil.example|Approve&gt;"), "{text}");
        assert!(!text.contains(['<', '>']), "{text}");
    }
}
