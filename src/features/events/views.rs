use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{Filter, KINDS_WITH_VISIBLE_REASON};
use crate::base::id::UserId;
use crate::base::moment;
use crate::base::page::Position;
use crate::http::client_ip::prefix_of;
use crate::http::params::IdField;
use crate::http::rules;
use crate::security::audit::event::{EventKind, Severity};
use crate::security::sessions::caller::Caller;

/// A security event of the caller's account.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "at": "2026-12-01T09:30:00.000001Z", "kind": "session_ended", "reason": "logout", "address": "192.0.2.7",
    "this_session": true
}))]
pub struct HistoryView {
    /// The time of the event (UTC).
    at: DateTime<Utc>,
    /// The kind of event, as in the OWASP Logging Vocabulary, for example `authn_login_fail`.
    #[schema(max_length = 40, pattern = "^[a-z_]+$")]
    kind: String,
    /// Distinguishes events of the same kind. Null if the event has no reason, or if the reason is secret.
    /// For example, the reason of a failed login is secret.
    #[schema(required = true, max_length = 60, pattern = "^[a-z_]*$")]
    reason: Option<String>,
    /// The IP address of the client.
    #[schema(required = true, max_length = 45, pattern = "^[0-9a-f.:]+$")]
    address: Option<String>,
    /// Whether the event belongs to the current session.
    this_session: bool,
}

impl HistoryView {
    /// Selects the parts of an event that the caller may see.
    #[must_use]
    pub fn of(event: EventView, caller: &Caller) -> Self {
        let shows_reason = KINDS_WITH_VISIBLE_REASON.iter().any(|kind| kind.name() == event.kind);
        let reason = Some(event.reason).filter(|reason| shows_reason && !reason.is_empty());
        let this_session = event.session_id == Some(caller.session().uuid());
        Self { at: event.at, kind: event.kind, reason, address: event.address, this_session }
    }
}

/// The filter of the list of all events.
#[derive(Deserialize, Serialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventFilter {
    /// Only events of this kind.
    #[garde(inner(custom(known_kind)))]
    #[param(pattern = "^[a-z_]{1,40}$", max_length = 40, example = "authn_login_success")]
    pub kind: Option<String>,
    /// Only events of this severity.
    #[garde(skip)]
    #[param(inline, example = "info")]
    pub severity: Option<SeverityName>,
    /// Only events by this user or about this user. An unknown id matches no event.
    #[garde(skip)]
    #[param(value_type = Option<String>, max_length = 36, example = "a0000000-0000-4000-8000-000000000002")]
    pub user_id: Option<IdField<UserId>>,
    /// Only events from this client address. An IPv6 address selects all events from its /56 network.
    #[garde(inner(custom(rules::address)))]
    #[param(max_length = 45, example = "127.0.0.1")]
    pub address: Option<String>,
    /// Only events at or after this time.
    #[garde(inner(custom(rules::moment)))]
    #[param(format = DateTime)]
    pub from: Option<String>,
    /// Only events before this time.
    #[garde(inner(custom(rules::moment)))]
    #[param(format = DateTime, example = "2027-01-01T00:00:00Z")]
    pub to: Option<String>,
}

impl EventFilter {
    #[must_use]
    pub fn parse(&self) -> Filter {
        let time = |text: &Option<String>| text.as_deref().and_then(moment::parse);
        Filter {
            kind: self.kind.clone(),
            severity: self.severity.map(|severity| Severity::from(severity).name()),
            user: self.user_id.map(|IdField(user)| user.uuid()),
            network: self.address.as_deref().and_then(prefix_of).map(|network| network.to_string()),
            from: time(&self.from),
            to: time(&self.to),
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
fn known_kind(value: &str, _: &()) -> garde::Result {
    let known = EventKind::ALL.iter().any(|kind| kind.name() == value);
    known.then_some(()).ok_or_else(|| garde::Error::new("must be a kind of event"))
}

/// The severity of an event.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeverityName {
    Info,
    Warning,
    Critical,
}

impl From<SeverityName> for Severity {
    fn from(name: SeverityName) -> Self {
        match name {
            SeverityName::Info => Self::Info,
            SeverityName::Warning => Self::Warning,
            SeverityName::Critical => Self::Critical,
        }
    }
}

/// A security event with all stored fields. No field contains text that a client has sent.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "at": "2026-12-01T09:30:00.000001Z", "kind": "authz_fail", "severity": "warning", "reason": "not_found", "replica": "a1",
    "method": "GET", "route": "/api/v1/invoices/{id}", "user_id": "a0000000-0000-4000-8000-000000000002",
    "session_id": "5e000000-0000-4000-8000-000000000001", "address": "192.0.2.7",
    "request_id": "0f5e5a3c-2f0b-4b7e-9a39-5b8f4f1f7c11", "subject": "00aa11bb22cc33dd", "object_kind": "invoice",
    "object_id": "10000000-0000-4000-8000-000000000011", "object_class": "foreign", "amount": 1
}))]
pub struct EventView {
    #[serde(skip)]
    pub(super) id: Uuid,
    /// The time of the event (UTC).
    pub(super) at: DateTime<Utc>,
    /// The kind of event, as in the OWASP Logging Vocabulary.
    #[schema(max_length = 40, pattern = "^[a-z_]+$")]
    pub(super) kind: String,
    /// The severity: `info`, `warning` or `critical`.
    #[schema(max_length = 8, pattern = "^(info|warning|critical)$")]
    pub(super) severity: String,
    /// Distinguishes events of the same kind. Empty if the event has no reason.
    #[schema(max_length = 60, pattern = "^[a-z_]*$")]
    pub(super) reason: String,
    /// The name of the replica that recorded the event.
    #[schema(max_length = 64, format = "line")]
    pub(super) replica: String,
    /// The HTTP method of the request, or `other` if the service does not know the method.
    #[schema(required = true, max_length = 10, pattern = "^([A-Z]+|other)$")]
    pub(super) method: Option<String>,
    /// The pattern of the route that the request matched.
    #[schema(required = true, max_length = 200, format = "line")]
    pub(super) route: Option<String>,
    /// The user who acted. If no user was authenticated, the user who was affected.
    #[schema(required = true)]
    pub(super) user_id: Option<Uuid>,
    /// The session to which the event belongs.
    #[schema(required = true)]
    pub(super) session_id: Option<Uuid>,
    /// The IP address of the client.
    #[schema(required = true, max_length = 45, pattern = "^[0-9a-f.:]+$")]
    pub(super) address: Option<String>,
    /// The id of the request. The log contains the same id.
    #[schema(required = true)]
    pub(super) request_id: Option<Uuid>,
    /// A keyed hash of the identifier that the client sent. Equal identifiers have equal hashes.
    #[schema(required = true, max_length = 16, pattern = "^[0-9a-f]+$")]
    pub(super) subject: Option<String>,
    /// The kind of the requested object.
    #[schema(required = true, max_length = 40, pattern = "^[a-z_]+$")]
    pub(super) object_kind: Option<String>,
    /// The id of the requested object.
    #[schema(required = true)]
    pub(super) object_id: Option<Uuid>,
    /// The class of the object: `missing`, `own` (of the user in `user_id`) or `foreign` (of another user).
    #[schema(required = true, max_length = 10, pattern = "^(missing|foreign|own)$")]
    pub(super) object_class: Option<String>,
    /// The number of occurrences, if one event reports several.
    #[schema(required = true)]
    pub(super) amount: Option<i64>,
}

impl EventView {
    #[must_use]
    pub fn position(&self) -> Position {
        Position { created_at: self.at, id: self.id }
    }
}
