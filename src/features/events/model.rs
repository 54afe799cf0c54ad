use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::security::audit::event::EventKind;

/// The history of a user contains logins, sessions and account changes, but no refused requests.
/// So an attacker with a hijacked session does not learn which attacks were detected.
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

/// The reason of a failed login is secret, because it reveals whether the password was right.
pub const KINDS_WITH_VISIBLE_REASON: [EventKind; 4] = [
    EventKind::AuthnPasswordChange,
    EventKind::PrivilegePermissionsChanged,
    EventKind::SessionEnded,
    EventKind::UserUpdated,
];

/// The filter of the administrators' list. A field that is `None` matches every event.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub kind: Option<String>,
    pub severity: Option<&'static str>,
    pub user: Option<Uuid>,
    /// An IPv4 address, or the first address of a /56 network of IPv6 (`client_ip::prefix`).
    pub network: Option<String>,
    pub from: Option<DateTime<Utc>>,
    /// An event at exactly this time does not match.
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
