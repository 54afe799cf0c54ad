use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::base::page::Position;
use crate::security::detection::alerts::{AlertRow, State};

/// The filter of the list of alerts.
#[derive(Deserialize, Serialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlertFilter {
    /// Selects only open alerts, or only cleared alerts.
    #[garde(skip)]
    #[param(inline, example = "open")]
    pub state: Option<AlertState>,
}

/// The state of an alert.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
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

/// An alert: the events of a subject have reached the threshold of a detection rule.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "a1e40000-0000-4000-8000-000000000001", "rule": "access_denials", "severity": "warning",
    "subject_kind": "user", "subject": "a0000000-0000-4000-8000-000000000002", "state": "open",
    "opened_at": "2026-12-01T09:30:00.000001Z", "last_seen_at": "2026-12-01T09:31:00.000001Z",
    "cleared_at": null, "count": 47, "findings": 3, "members": 1, "largest": [], "window_seconds": 300
}))]
pub struct AlertView {
    id: Uuid,
    /// The name of the detection rule.
    #[schema(max_length = 60, pattern = "^[a-z_]+$")]
    rule: String,
    /// The severity: `info`, `warning` or `critical`.
    #[schema(max_length = 8, pattern = "^(info|warning|critical)$")]
    severity: String,
    /// The kind of the subject: `user`, `session`, `network`, `account` or `service`.
    #[schema(max_length = 10, pattern = "^(user|session|network|account|service)$")]
    subject_kind: String,
    /// The subject of the alert: a user id, a network, or the keyed hash of an identifier. Empty for a combined alert.
    /// A rule with ten open alerts opens one combined alert for all further subjects.
    #[schema(max_length = 64, pattern = "^[0-9a-f./:-]*$")]
    subject: String,
    /// The state: `open` or `cleared`.
    #[schema(max_length = 7, pattern = "^(open|cleared)$")]
    state: String,
    /// The time at which the alert was opened (UTC).
    opened_at: DateTime<Utc>,
    /// The time at which the number of events last reached the threshold of the rule (UTC).
    last_seen_at: DateTime<Utc>,
    /// The time at which the alert was cleared (UTC). Null while the alert is open.
    #[schema(required = true)]
    cleared_at: Option<DateTime<Utc>>,
    /// The highest number of events in one window of the rule.
    count: i64,
    /// How often the number of events has reached the threshold of the rule during this alert.
    findings: i64,
    /// The number of subjects that have reached the threshold. It is greater than 1 only in a combined alert.
    members: i64,
    #[schema(schema_with = largest)]
    largest: Vec<String>,
    /// The length of the rule's window in seconds.
    window_seconds: i64,
}

fn largest() -> Array {
    let subject = ObjectBuilder::new().schema_type(Type::String).max_length(Some(64)).pattern(Some("^[0-9a-f./:-]+$"));
    ArrayBuilder::new()
        .description(Some("In a combined alert: the five subjects with the most events."))
        .items(subject)
        .max_items(Some(5))
        .build()
}

impl From<AlertRow> for AlertView {
    fn from(row: AlertRow) -> Self {
        let AlertRow { id, rule, severity, subject_kind, subject, state, .. } = row;
        let AlertRow { opened_at, last_seen_at, cleared_at, count, findings, members, largest, window_seconds, .. } =
            row;
        Self {
            id,
            rule,
            severity,
            subject_kind,
            subject,
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

#[must_use]
pub fn position(alert: &AlertRow) -> Position {
    Position { created_at: alert.opened_at, id: alert.id }
}
