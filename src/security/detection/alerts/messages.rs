//! Alert messages as text and as JSON. They contain ids, IP addresses, counts and fixed words, never text of clients.
//! A setting lists the sinks whose messages also contain the email address of a user.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Clone, Debug)]
pub struct Message {
    pub id: Uuid,
    /// `opened`, `continues` or `cleared`.
    pub kind: String,
    pub count: i64,
    pub created_at: DateTime<Utc>,
    pub alert_id: Uuid,
    pub rule: String,
    pub severity: String,
    pub subject_kind: String,
    /// Empty for a combined alert.
    pub subject: String,
    /// The email address of the user, if the alert is about a user and the sink may receive the address.
    pub address: Option<String>,
    /// How many subjects a combined alert has.
    pub members: i64,
    /// The subjects with the most events, for a combined alert.
    pub largest: Vec<String>,
    pub window_seconds: i64,
    pub opened_at: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub struct Runbooks(pub String);

impl Runbooks {
    #[must_use]
    pub fn page(&self, rule: &str) -> String {
        format!("{}/{rule}.md", self.0)
    }
}

impl Message {
    #[must_use]
    pub fn text(&self, runbooks: &Runbooks) -> String {
        format!("[{}] {} What to do: {}", self.severity, self.sentence(), runbooks.page(&self.rule))
    }

    /// Returns the body for the signed webhook. `docs/alerts.md` describes its format.
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

    #[must_use]
    pub fn slack(&self, runbooks: &Runbooks) -> Value {
        json!({"text": escaped(&self.text(runbooks))})
    }
}

/// Escapes markup: chat tools would notify all members for `<!channel>`, and show a link for
/// `<https://evil.example|Approve>`.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

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
