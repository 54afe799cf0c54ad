//! Events on the wire.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{Filter, Happened};
use crate::base::id::UserId;
use crate::base::moment;
use crate::base::page::{Limit, Page};
use crate::http::params::GivenId;
use crate::http::rules;
use crate::security::audit::event::{EventKind, Severity};
use crate::security::sessions::caller::Caller;

/// Which page of one's history.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Items a page, 1 to 100; 20 when left out.
    #[serde(default)]
    #[garde(skip)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 20, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[garde(length(chars, max = 512))]
    #[param(max_length = 512, pattern = "^[A-Za-z0-9_-]+$")]
    pub cursor: Option<String>,
}

/// Something that happened to one's account.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "at": "2026-12-01T09:30:00.000001Z", "kind": "session_ended", "reason": "logout", "address": "192.0.2.7",
    "this_session": true
}))]
pub struct HistoryView {
    /// When, in UTC.
    at: DateTime<Utc>,
    /// What: a name of the OWASP logging vocabulary, such as `authn_login_fail`.
    #[schema(max_length = 40, pattern = "^[a-z_]+$")]
    kind: String,
    /// A word that tells like events apart, where there is something to tell.
    #[schema(required = true, max_length = 60, pattern = "^[a-z_]*$")]
    reason: Option<String>,
    /// Where the request came from.
    #[schema(required = true, max_length = 45, pattern = "^[0-9a-f.:]+$")]
    address: Option<String>,
    /// Whether the session that asks now did it.
    this_session: bool,
}

impl HistoryView {
    fn of(happened: Happened, caller: &Caller) -> Self {
        let reason = happened.reason_for_user().map(str::to_owned);
        let this_session = happened.session_id == Some(caller.session().uuid());
        Self { at: happened.at, kind: happened.kind, reason, address: happened.address, this_session }
    }
}

/// A page of one's history, newest first.
#[derive(Serialize, ToSchema)]
pub struct HistoryPage {
    #[schema(max_items = 100)]
    pub items: Vec<HistoryView>,
    /// Give it back as `cursor` for the next page; null on the last one.
    #[schema(required = true, max_length = 512, pattern = "^[A-Za-z0-9_-]+$")]
    pub next_cursor: Option<String>,
}

impl HistoryPage {
    /// As this caller sees it.
    #[must_use]
    pub fn of(page: Page<Happened>, caller: &Caller) -> Self {
        let page = page.map(|happened| HistoryView::of(happened, caller));
        Self { items: page.items, next_cursor: page.next_cursor }
    }
}

/// Which page of all events, and what it is narrowed to.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Items a page, 1 to 100; 20 when left out.
    #[serde(default)]
    #[garde(skip)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 20, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before, under the same filter.
    #[garde(length(chars, max = 512))]
    #[param(max_length = 512, pattern = "^[A-Za-z0-9_-]+$")]
    pub cursor: Option<String>,
    /// Of this kind.
    #[garde(inner(custom(known_kind)))]
    #[param(pattern = "^[a-z_]{1,40}$", max_length = 40, example = "authn_login_success")]
    pub kind: Option<String>,
    /// Of this severity.
    #[garde(skip)]
    #[param(inline, example = "info")]
    pub severity: Option<SeverityName>,
    /// By or about this user. An id that is no user's has no events.
    #[garde(skip)]
    #[param(value_type = Option<String>, max_length = 36, example = "a0000000-0000-4000-8000-000000000002")]
    pub user_id: Option<GivenId<UserId>>,
    /// From this address.
    #[garde(inner(custom(rules::address)))]
    #[param(max_length = 45, example = "127.0.0.1")]
    pub address: Option<String>,
    /// At this moment or later.
    #[garde(inner(custom(rules::moment)))]
    #[param(format = DateTime)]
    pub from: Option<String>,
    /// Before this moment.
    #[garde(inner(custom(rules::moment)))]
    #[param(format = DateTime, example = "2027-01-01T00:00:00Z")]
    pub to: Option<String>,
}

impl EventQuery {
    /// What the list is narrowed to.
    #[must_use]
    pub fn filter(&self) -> Filter {
        let time = |text: &Option<String>| text.as_deref().and_then(moment::parse);
        let address = self.address.as_deref().and_then(|text| text.parse().ok());
        Filter {
            kind: self.kind.clone(),
            severity: self.severity.map(|severity| Severity::from(severity).name()),
            user: self.user_id.map(|GivenId(user)| user.uuid()),
            // In the one spelling in which it is kept.
            address: address.map(|address: std::net::IpAddr| address.to_string()),
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

/// How much a reader should care.
#[derive(Clone, Copy, Deserialize, ToSchema)]
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

/// Something that concerns security, with all that is known of it. Nothing in it was typed in.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "at": "2026-12-01T09:30:00.000001Z", "kind": "authz_fail", "severity": "warning", "reason": "not_found", "replica": "a1",
    "method": "GET", "route": "/api/v1/invoices/{id}", "user_id": "a0000000-0000-4000-8000-000000000002",
    "session_id": "5e000000-0000-4000-8000-000000000001", "address": "192.0.2.7",
    "request_id": "0f5e5a3c-2f0b-4b7e-9a39-5b8f4f1f7c11", "subject": "00aa11bb22cc33dd", "object_kind": "invoice",
    "object_id": "10000000-0000-4000-8000-000000000011", "object_class": "foreign", "amount": 1
}))]
pub struct EventView {
    /// When, in UTC.
    at: DateTime<Utc>,
    /// What: a name of the OWASP logging vocabulary.
    #[schema(max_length = 40, pattern = "^[a-z_]+$")]
    kind: String,
    /// How much a reader should care: `info`, `warning` or `critical`.
    #[schema(max_length = 8, pattern = "^(info|warning|critical)$")]
    severity: String,
    /// A fixed word that tells like events apart; may be empty.
    #[schema(max_length = 60, pattern = "^[a-z_]*$")]
    reason: String,
    /// Which replica saw it.
    #[schema(max_length = 64, format = "line")]
    replica: String,
    /// The request's method.
    #[schema(required = true, max_length = 10, pattern = "^[A-Z]+$")]
    method: Option<String>,
    /// The request's path, as it stands in the table of routes.
    #[schema(required = true, max_length = 200, format = "line")]
    route: Option<String>,
    /// Who did it, or whom it concerns where nobody was signed in.
    #[schema(required = true)]
    user_id: Option<Uuid>,
    /// By which sign-in.
    #[schema(required = true)]
    session_id: Option<Uuid>,
    /// Where the request came from.
    #[schema(required = true, max_length = 45, pattern = "^[0-9a-f.:]+$")]
    address: Option<String>,
    /// The request's id, which is in the log too.
    #[schema(required = true)]
    request_id: Option<Uuid>,
    /// A keyed hash of what was typed in as a name: the same for the same name.
    #[schema(required = true, max_length = 16, pattern = "^[0-9a-f]+$")]
    subject: Option<String>,
    /// What was asked for.
    #[schema(required = true, max_length = 40, pattern = "^[a-z_]+$")]
    object_kind: Option<String>,
    /// Its id.
    #[schema(required = true)]
    object_id: Option<Uuid>,
    /// Whose it is: `missing`, `foreign` or `own`.
    #[schema(required = true, max_length = 10, pattern = "^(missing|foreign|own)$")]
    object_class: Option<String>,
    /// How many, where the event stands for several.
    #[schema(required = true)]
    amount: Option<i64>,
}

impl From<Happened> for EventView {
    fn from(happened: Happened) -> Self {
        let Happened { at, kind, severity, reason, replica, method, route, user_id, session_id, .. } = happened;
        let Happened { address, request_id, subject, object_kind, object_id, object_class, amount, .. } = happened;
        Self {
            at,
            kind,
            severity,
            reason,
            replica,
            method,
            route,
            user_id,
            session_id,
            address,
            request_id,
            subject,
            object_kind,
            object_id,
            object_class,
            amount,
        }
    }
}

/// A page of all events, newest first.
#[derive(Serialize, ToSchema)]
pub struct EventPage {
    #[schema(max_items = 100)]
    pub items: Vec<EventView>,
    /// Give it back as `cursor` for the next page; null on the last one.
    #[schema(required = true, max_length = 512, pattern = "^[A-Za-z0-9_-]+$")]
    pub next_cursor: Option<String>,
}

impl From<Page<Happened>> for EventPage {
    fn from(page: Page<Happened>) -> Self {
        let page = page.map(EventView::from);
        Self { items: page.items, next_cursor: page.next_cursor }
    }
}
