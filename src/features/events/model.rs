//! Stored events, and the part of them that users may see in their security history.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::base::page::Position;
use crate::security::audit::event::EventKind;

/// The kinds of events in a user's history: logins, sessions and account changes. Refused requests are left out:
/// otherwise an attacker with a hijacked session could read which attacks were detected.
pub const VISIBLE_KINDS: [EventKind; 11] = [
    EventKind::AuthnLoginSuccess,
    EventKind::AuthnLoginFail,
    EventKind::AuthnPasswordChange,
    EventKind::AuthnPasswordChangeFail,
    EventKind::AuthnTokenReuse,
    EventKind::PlainHttpRefused,
    EventKind::PrivilegePermissionsChanged,
    EventKind::SessionCreated,
    EventKind::SessionEnded,
    EventKind::UserCreated,
    EventKind::UserUpdated,
];

/// The kinds whose reason users may see. The reason of a failed login is hidden, because it reveals whether the
/// password was right.
const KINDS_WITH_VISIBLE_REASON: [EventKind; 4] = [
    EventKind::AuthnPasswordChange,
    EventKind::PrivilegePermissionsChanged,
    EventKind::SessionEnded,
    EventKind::UserUpdated,
];

/// A stored event.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub kind: String,
    pub severity: String,
    pub reason: String,
    pub replica: String,
    pub method: Option<String>,
    pub route: Option<String>,
    pub user_id: Option<Uuid>,
    pub session_id: Option<Uuid>,
    pub address: Option<String>,
    pub request_id: Option<Uuid>,
    pub subject: Option<String>,
    pub object_kind: Option<String>,
    pub object_id: Option<Uuid>,
    pub object_class: Option<String>,
    pub amount: Option<i64>,
}

impl StoredEvent {
    /// Returns the keyset position of the event in a list.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { created_at: self.at, id: self.id }
    }

    /// Returns the reason, if users may see it.
    #[must_use]
    pub fn reason_for_user(&self) -> Option<&str> {
        let shown = KINDS_WITH_VISIBLE_REASON.iter().any(|kind| kind.name() == self.kind);
        Some(self.reason.as_str()).filter(|reason| shown && !reason.is_empty())
    }
}

/// The filter of the administrators' list. A field that is `None` does not filter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub kind: Option<String>,
    pub severity: Option<&'static str>,
    pub user: Option<Uuid>,
    pub address: Option<String>,
    pub from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub to: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_with_visible_reason_is_visible() {
        assert!(KINDS_WITH_VISIBLE_REASON.iter().all(|kind| VISIBLE_KINDS.contains(kind)));
        assert!(!KINDS_WITH_VISIBLE_REASON.contains(&EventKind::AuthnLoginFail));
    }
}
