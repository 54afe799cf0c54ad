//! Alerts on the wire.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::base::page::{Limit, Page, Position};
use crate::security::detection::alerts::{Listed, State};

/// Which page of the alerts.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlertQuery {
    /// Items a page, 1 to 100; 20 when left out.
    #[serde(default)]
    #[garde(skip)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 20, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before, under the same filter.
    #[garde(length(chars, max = 512))]
    #[param(max_length = 512, pattern = "^[A-Za-z0-9_-]+$")]
    pub cursor: Option<String>,
    /// Those that go on, or those that have stopped.
    #[garde(skip)]
    #[param(inline, example = "open")]
    pub state: Option<AlertState>,
}

/// Whether it goes on.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    Open,
    Cleared,
}

impl From<AlertState> for State {
    fn from(name: AlertState) -> Self {
        match name {
            AlertState::Open => Self::Open,
            AlertState::Cleared => Self::Cleared,
        }
    }
}

/// What a rule found.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "a1e40000-0000-4000-8000-000000000001", "rule": "object_probing", "severity": "warning", "about_kind": "user",
    "about": "a0000000-0000-4000-8000-000000000002", "state": "open", "opened_at": "2026-12-01T09:30:00.000001Z",
    "last_seen_at": "2026-12-01T09:31:00.000001Z", "cleared_at": null, "count": 47, "findings": 3, "members": 1,
    "largest": [], "window_seconds": 300
}))]
pub struct AlertView {
    id: Uuid,
    /// Which rule.
    #[schema(max_length = 60, pattern = "^[a-z_]+$")]
    rule: String,
    /// How much a reader should care: `info`, `warning` or `critical`.
    #[schema(max_length = 8, pattern = "^(info|warning|critical)$")]
    severity: String,
    /// What it is about: `user`, `session`, `network`, `account` or `service`.
    #[schema(max_length = 10, pattern = "^(user|session|network|account|service)$")]
    about_kind: String,
    /// A user's id, a network, or the keyed hash of a name. Empty for an alert over all of its kind.
    #[schema(max_length = 64, pattern = "^[0-9a-f./:-]*$")]
    about: String,
    /// Whether it goes on: `open` or `cleared`.
    #[schema(max_length = 7, pattern = "^(open|cleared)$")]
    state: String,
    /// When it began, in UTC.
    opened_at: DateTime<Utc>,
    /// When it was last found, in UTC.
    last_seen_at: DateTime<Utc>,
    /// When it had stopped; null while it goes on.
    #[schema(required = true)]
    cleared_at: Option<DateTime<Utc>>,
    /// The most that the rule counted in one window.
    count: i64,
    /// How often the rule found it.
    findings: i64,
    /// How many users, networks and so on have reached the rule's threshold. More than one only in an alert over all.
    members: i64,
    #[schema(schema_with = largest)]
    largest: Vec<String>,
    /// The length of the rule's window, in seconds.
    window_seconds: i64,
}

/// An array whose items have the form of `about`.
fn largest() -> Array {
    let about = ObjectBuilder::new().schema_type(Type::String).max_length(Some(64)).pattern(Some("^[0-9a-f./:-]+$"));
    ArrayBuilder::new()
        .description(Some("Those with the most events, in an alert over all."))
        .items(about)
        .max_items(Some(5))
        .build()
}

impl From<Listed> for AlertView {
    fn from(listed: Listed) -> Self {
        let Listed { id, rule, severity, about_kind, about, state, .. } = listed;
        let Listed { opened_at, last_seen_at, cleared_at, count, findings, members, largest, window_seconds, .. } =
            listed;
        Self {
            id,
            rule,
            severity,
            about_kind,
            about,
            state,
            opened_at,
            last_seen_at,
            cleared_at,
            count,
            findings,
            members,
            largest,
            window_seconds,
        }
    }
}

/// Where an alert stands in the list.
#[must_use]
pub fn position(alert: &Listed) -> Position {
    Position { created_at: alert.opened_at, id: alert.id }
}

/// A page of alerts, newest first.
#[derive(Serialize, ToSchema)]
pub struct AlertPage {
    #[schema(max_items = 100)]
    pub items: Vec<AlertView>,
    /// Give it back as `cursor` for the next page; null on the last one.
    #[schema(required = true, max_length = 512, pattern = "^[A-Za-z0-9_-]+$")]
    pub next_cursor: Option<String>,
}

impl From<Page<Listed>> for AlertPage {
    fn from(page: Page<Listed>) -> Self {
        let page = page.map(AlertView::from);
        Self { items: page.items, next_cursor: page.next_cursor }
    }
}
