use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{AccountCount, Period};
use super::store::{Replica, Summary};
use crate::db::outbox::Backlog;
use crate::security::audit::event::{EventKind, Severity};

/// Query of the security summary.
#[derive(Deserialize, Serialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SummaryQuery {
    /// `day`: 24 buckets of an hour. `week`: 28 buckets of six hours. `month`: 30 buckets of a day. Default: `day`.
    #[garde(skip)]
    #[param(inline, example = "week")]
    pub period: Option<Period>,
}

/// Security events of a period, and the health of the service.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "from": "2026-12-01T00:00:00Z", "bucket_seconds": 3600, "is_complete": true,
    "kinds": [{"kind": "authz_fail", "severity": "warning", "counts": [0, 3, 1]}],
    "networks": [{"network": "192.0.2.7", "events": 4}],
    "accounts": [{"user_id": "a0000000-0000-4000-8000-000000000002", "email": "ben@demo.example", "events": 4}],
    "sealing": {"oldest_seconds": 3, "triggers_missing": 0},
    "outbox": [{"queue": "mail", "waiting": 1, "given_up": 0, "oldest_seconds": 2}],
    "replica": {"name": "a1", "events_waiting": 0, "events_lost": 0, "connections_max": 10, "connections_in_use": 1}
}))]
pub struct SummaryView {
    /// The start of the first bucket (UTC).
    from: DateTime<Utc>,
    /// The length of a bucket in seconds.
    #[schema(minimum = 3_600, maximum = 86_400)]
    bucket_seconds: i32,
    /// False if the period has too many rows. Then only the newest 100,000 rows are counted.
    is_complete: bool,
    /// The kinds of events that occurred in the period.
    #[schema(max_items = 100)]
    kinds: Vec<KindCounts>,
    /// The networks with the most warnings and critical events.
    #[schema(max_items = 10)]
    networks: Vec<NetworkCount>,
    /// The accounts with the most warnings and critical events.
    #[schema(max_items = 10)]
    accounts: Vec<AccountCountView>,
    /// The state of the hash chain of the audit trail.
    sealing: SealingView,
    /// The queues of the outbox that have undelivered messages.
    #[schema(max_items = 10)]
    outbox: Vec<QueueView>,
    /// The state of the replica that answered.
    replica: ReplicaView,
}

/// The events of one kind.
#[derive(Serialize, ToSchema)]
pub struct KindCounts {
    /// The kind of event, as in the OWASP Logging Vocabulary.
    #[schema(max_length = 40, pattern = "^[a-z_]+$")]
    kind: String,
    /// `info`, `warning` or `critical`.
    #[schema(max_length = 8, pattern = "^(info|warning|critical)$")]
    severity: &'static str,
    /// The number of events in each bucket, the oldest bucket first.
    #[schema(max_items = 30)]
    counts: Vec<i64>,
}

/// The events from one network.
#[derive(Serialize, ToSchema)]
pub struct NetworkCount {
    /// An IPv4 address, or the first address of a /56 network of IPv6.
    #[schema(max_length = 45, pattern = "^[0-9a-f.:]+$")]
    network: String,
    /// The number of warnings and critical events.
    events: i64,
}

/// The events by or about one user.
#[derive(Serialize, ToSchema)]
pub struct AccountCountView {
    /// The id of the user.
    user_id: Uuid,
    /// Null if the user has been deleted.
    #[schema(required = true, format = Email)]
    email: Option<String>,
    /// The number of warnings and critical events.
    events: i64,
}

/// State of the hash chain of the audit trail.
#[derive(Serialize, ToSchema)]
pub struct SealingView {
    /// How long the oldest unsealed event has waited for its seal, in seconds.
    oldest_seconds: i64,
    /// The number of triggers of the audit trail that are missing or disabled.
    triggers_missing: i64,
}

/// A queue of the outbox.
#[derive(Serialize, ToSchema)]
pub struct QueueView {
    /// The name of the queue: `mail`, `blob_deletion`, or a destination of alerts (`log`, `slack`, `webhook`).
    #[schema(max_length = 20, pattern = "^[a-z_]+$")]
    queue: String,
    /// The number of messages that wait for delivery.
    waiting: i64,
    /// The number of messages that the service has given up, because all attempts failed.
    given_up: i64,
    /// The age of the oldest waiting message in seconds.
    oldest_seconds: i64,
}

/// State of the replica that answered.
#[derive(Serialize, ToSchema)]
pub struct ReplicaView {
    /// The name of the replica.
    #[schema(max_length = 64, format = "line")]
    name: String,
    /// The number of security events that wait to be stored.
    #[schema(format = Int64)]
    events_waiting: usize,
    /// The number of security events since the start that could not be stored. Only the log contains them.
    events_lost: u64,
    /// The size of the connection pool.
    #[schema(minimum = 4, maximum = 1_000)]
    connections_max: u32,
    /// The number of connections of the pool that are in use.
    #[schema(format = Int64)]
    connections_in_use: usize,
}

impl From<Summary> for SummaryView {
    fn from(summary: Summary) -> Self {
        let Summary { period, from, counts, seals, queues, replica } = summary;
        let kinds =
            counts.kinds.into_iter().map(|(kind, counts)| KindCounts { severity: severity(&kind), kind, counts });
        let networks = counts.networks.into_iter().map(|(network, events)| NetworkCount { network, events });
        Self {
            from,
            bucket_seconds: period.bucket_seconds(),
            is_complete: counts.is_complete,
            kinds: kinds.collect(),
            networks: networks.collect(),
            accounts: counts.accounts.into_iter().map(AccountCountView::from).collect(),
            sealing: SealingView {
                #[allow(clippy::cast_possible_truncation, reason = "an age in whole seconds")]
                oldest_seconds: seals.oldest_seconds as i64,
                triggers_missing: seals.triggers_missing,
            },
            outbox: queues.into_iter().map(QueueView::from).collect(),
            replica: replica.into(),
        }
    }
}

/// Returns `info` for an unknown kind, which a newer version of the service may have stored.
fn severity(name: &str) -> &'static str {
    let kind = EventKind::ALL.iter().find(|kind| kind.name() == name);
    kind.map_or(Severity::Info, |kind| kind.severity()).name()
}

impl From<AccountCount> for AccountCountView {
    fn from(count: AccountCount) -> Self {
        let AccountCount { user, email, events } = count;
        Self { user_id: user, email, events }
    }
}

impl From<Backlog> for QueueView {
    fn from(backlog: Backlog) -> Self {
        let Backlog { queue, waiting, given_up, oldest_seconds } = backlog;
        Self { queue, waiting, given_up, oldest_seconds }
    }
}

impl From<Replica> for ReplicaView {
    fn from(replica: Replica) -> Self {
        let Replica { name, events_waiting, events_lost, connections_max, connections_in_use } = replica;
        Self { name, events_waiting, events_lost, connections_max, connections_in_use }
    }
}
