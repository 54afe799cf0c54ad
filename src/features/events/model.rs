//! What a user is told of what happened to his account.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::base::page::Position;
use crate::security::audit::event::EventKind;

/// The kinds that his history has: signing in, failing to, sessions, changes. Not his own refusals: whoever holds a stolen
/// session would read there what has been noticed of him.
pub const SHOWN: [EventKind; 11] = [
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

/// Those whose reason is his to know. That of a failed sign-in is not: it tells a right password from a wrong one.
const REASON_SHOWN: [EventKind; 4] = [
    EventKind::AuthnPasswordChange,
    EventKind::PrivilegePermissionsChanged,
    EventKind::SessionEnded,
    EventKind::UserUpdated,
];

/// One event, as it is kept.
#[derive(Clone, Debug)]
pub struct Happened {
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

impl Happened {
    /// Where it stands in a list.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { created_at: self.at, id: self.id }
    }

    /// Why, as far as the user himself is told.
    #[must_use]
    pub fn reason_for_user(&self) -> Option<&str> {
        let shown = REASON_SHOWN.iter().any(|kind| kind.name() == self.kind);
        Some(self.reason.as_str()).filter(|reason| shown && !reason.is_empty())
    }
}

/// What administrators narrow the list to. `None` narrows nothing; `to` itself is not in it.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub kind: Option<String>,
    pub severity: Option<&'static str>,
    pub user: Option<Uuid>,
    pub address: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

impl Filter {
    /// The same text for the same filter and only then: what a cursor is bound to.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{self:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_that_is_told_is_of_a_kind_that_is_told() {
        assert!(REASON_SHOWN.iter().all(|kind| SHOWN.contains(kind)));
        assert!(!REASON_SHOWN.contains(&EventKind::AuthnLoginFail));
    }
}
