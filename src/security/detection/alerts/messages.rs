//! Alert messages as text and as JSON. Messages contain ids, counts and fixed words, never client input. A user's email
//! address is included only for the sinks that may see it. Chat messages are escaped.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// One message of an alert.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: Uuid,
    /// The kind of message: `opened`, `continues` or `cleared`.
    pub kind: String,
    pub count: i64,
    pub created_at: DateTime<Utc>,
    pub alert_id: Uuid,
    pub rule: String,
    pub severity: String,
    pub subject_kind: String,
    /// Empty for a combined alert.
    pub subject: String,
    /// The user's email address, if the alert is about a user and the sink may see the address.
    pub address: Option<String>,
    /// The number of subjects of a combined alert.
    pub members: i64,
    /// The subjects of a combined alert that have the most events.
    pub largest: Vec<String>,
    pub window_seconds: i64,
    pub opened_at: DateTime<Utc>,
}

/// The base URL of the runbooks.
#[derive(Clone, Debug)]
pub struct Runbooks(pub String);

impl Runbooks {
    /// Returns the URL of this rule's runbook.
    #[must_use]
    pub fn page(&self, rule: &str) -> String {
        format!("{}/{rule}.md", self.0)
    }
}

impl Message {
    /// Formats severity, sentence and runbook as one text.
    #[must_use]
    pub fn text(&self, runbooks: &Runbooks) -> String {
        format!("[{}] {} What to do: {}", self.severity, self.sentence(), runbooks.page(&self.rule))
    }

    /// Formats the body for the signed webhook, which `docs/alerts.md` describes.
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
                "subject": {"kind": self.subject_kind, "id": self.subject, "address": self.address},
                "members": self.members,
                "largest": self.largest,
                "count": self.count,
                "window_seconds": self.window_seconds,
                "opened_at": self.opened_at,
            },
        })
    }

    /// Formats the body for a Slack-compatible webhook.
    #[must_use]
    pub fn slack(&self, runbooks: &Runbooks) -> Value {
        json!({"text": escaped(&self.text(runbooks))})
    }
}

/// Escapes markup, because chat tools interpret `<!channel>` and `<https://evil.example|Approve>`.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Returns a message for the tests of this file and of the sentences.
#[cfg(test)]
pub fn example(kind: &str, subject_kind: &str, subject: &str) -> Message {
    Message {
        id: Uuid::nil(),
        kind: kind.into(),
        count: 47,
        created_at: DateTime::UNIX_EPOCH,
        alert_id: Uuid::nil(),
        rule: "access_denials".into(),
        severity: "warning".into(),
        subject_kind: subject_kind.into(),
        subject: subject.into(),
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
    fn message_links_its_runbook() {
        let runbooks = Runbooks("https://wiki.example/runbooks".into());
        let text = example("opened", "user", "4821").text(&runbooks);
        assert!(text.ends_with("What to do: https://wiki.example/runbooks/access_denials.md"), "{text}");
    }

    #[test]
    fn chat_markup_is_escaped() {
        let slack =
            example("opened", "account", "<!channel> & <https://evil.example|Approve>").slack(&Runbooks("x".into()));
        let text = slack["text"].as_str().unwrap();
        assert!(text.contains("&lt;!channel&gt; &amp; &lt;https://evil.example|Approve&gt;"), "{text}");
        assert!(!text.contains(['<', '>']), "{text}");
    }
}
