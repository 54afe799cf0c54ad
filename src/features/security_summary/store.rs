//! Least privilege: the service's database role cannot select from `security_events`.
//! The database function `admin_event_counts` returns only numbers, and only to administrators.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::model::{AccountCount, EventCounts, Period};
use crate::base::clock::Clock;
use crate::db::outbox::{self, Backlog};
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{EventKind, Severity};
use crate::security::audit::hash_chain::{self, SealState};
use crate::security::audit::recorder::Recorder;
use crate::security::authorization::administrators::AdminCaller;

/// A summary counts at most this number of rows, the newest first.
pub const MAX_ROWS: i64 = 100_000;

#[derive(Clone)]
pub struct SummaryStore {
    pub pool: PgPool,
    /// The size of the connection pool.
    pub max_connections: u32,
    pub recorder: Recorder,
    pub replica: String,
    pub clock: Clock,
}

pub struct Summary {
    pub period: Period,
    pub from: DateTime<Utc>,
    pub counts: EventCounts,
    pub seals: SealState,
    pub queues: Vec<Backlog>,
    pub replica: Replica,
}

/// The state of the replica that processes this request.
pub struct Replica {
    pub name: String,
    pub events_waiting: usize,
    pub events_lost: u64,
    pub connections_max: u32,
    pub connections_in_use: usize,
}

struct Row {
    list: String,
    name: Option<String>,
    user_id: Option<Uuid>,
    bucket: Option<i32>,
    events: i64,
}

impl SummaryStore {
    /// # Errors
    /// [`ApiError::Forbidden`] if the caller is no longer an administrator.
    pub async fn summary(&self, admin: &AdminCaller, period: Period) -> ApiResult<Summary> {
        let now = self.clock.now();
        let from = period.start(now);
        Ok(Summary {
            period,
            from,
            counts: self.counts(admin, period, from).await?,
            seals: hash_chain::state(&self.pool).await?,
            queues: outbox::backlogs(&self.pool, now).await?,
            replica: self.replica(),
        })
    }

    fn replica(&self) -> Replica {
        Replica {
            name: self.replica.clone(),
            events_waiting: self.recorder.queued(),
            events_lost: self.recorder.lost(),
            connections_max: self.max_connections,
            connections_in_use: (self.pool.size() as usize).saturating_sub(self.pool.num_idle()),
        }
    }

    async fn counts(&self, admin: &AdminCaller, period: Period, from: DateTime<Utc>) -> ApiResult<EventCounts> {
        let alarming = EventKind::ALL.iter().filter(|kind| kind.severity() != Severity::Info);
        let alarming: Vec<String> = alarming.map(|kind| kind.name().to_owned()).collect();
        let rows = sqlx::query_as!(
            Row,
            r#"select list as "list!", name, user_id, bucket, events as "events!"
               from admin_event_counts($1, $2, $3, $4, $5)"#,
            admin.user().uuid(),
            from,
            period.bucket_seconds(),
            &alarming,
            MAX_ROWS
        )
        .fetch_all(&self.pool)
        .await?;
        // The database function returns at least one row to every administrator, even if there are no events.
        if rows.is_empty() {
            return Err(ApiError::Forbidden);
        }
        let mut counts = EventCounts::default();
        for Row { list, name, user_id, bucket, events } in rows {
            match (list.as_str(), name, user_id, bucket) {
                ("kind", Some(kind), _, Some(bucket)) => {
                    let buckets = counts.kinds.entry(kind).or_insert_with(|| vec![0; period.buckets().into()]);
                    // Ignore events in the future: the clock of another replica can be ahead.
                    if let Some(count) = usize::try_from(bucket).ok().and_then(|bucket| buckets.get_mut(bucket)) {
                        *count = events;
                    }
                }
                ("network", Some(network), ..) => counts.networks.push((network, events)),
                ("user", email, Some(user), _) => counts.accounts.push(AccountCount { user, email, events }),
                _ => counts.is_complete = events < MAX_ROWS,
            }
        }
        Ok(counts)
    }
}
