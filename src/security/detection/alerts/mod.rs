//! Alerts: each attack is reported once, summarised once per window, and cleared once (CWE-778, CWE-223, API8:2023).
//!
//! **Attack**: abuse is recorded, but operators never see the record.
//! Or alert fatigue: an attacker triggers so many alerts that operators mute them.
//! **Control**: when the count of a subject reaches the threshold of a rule, the result is a *finding*.
//! A finding opens an alert, or updates the open alert of the same rule and subject, in the transaction that counted
//! the events. If a rule has ten open alerts (alert storm), further findings share one combined alert.
//! This alert states the number of subjects, the total number of events, and the five subjects with the most events.
//!
//! Messages are stored in the transactional outbox (`db/outbox`), with one row per message and sink (log, chat,
//! webhook, mail).
//! Each message is delivered at least once, even after a crash. Any replica can deliver it.
//! After the last failed attempt, the event `alert_delivery_failed` is recorded. Requests never wait for a sink.
//! Messages contain ids, IP addresses and counts.
//! A setting lists the sinks whose messages also contain the email address of a user. The log never contains one.
//! **Limits**: a sink can reply 200 and then lose the message. So the log also contains every alert.
//! **ASVS**: 16.2.5, 16.3.3, 16.5.2 · **Test**: `attacks::detection::alerts`

mod combined_store;
mod finding;
mod messages;
mod sentences;
mod sinks;
mod store;
mod worker;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use combined_store::Totals;
pub use finding::{Finding, State, Subject};
pub use messages::{Message, Runbooks};
#[cfg(test)]
pub use sentences::has_wording;
pub use sinks::{MAIL_QUEUE, SIGNATURE_VERSION};
use store::Queues;
pub use store::{AlertCounts, AlertRow, message_of};
pub use worker::AlertWorker;

use crate::base::page::{Limit, Position};
use crate::config::AlertSettings;
use crate::http::error::ApiResult;
use crate::security::authorization::administrators::AdminCaller;

/// How long cleared alerts are stored before they are deleted.
const ALERT_RETENTION: TimeDelta = TimeDelta::days(90);

/// The maximum number of open alerts per rule. Further findings share the combined alert.
const MAX_SEPARATE_ALERTS: i64 = 10;

#[derive(Clone)]
pub struct Alerts {
    pool: PgPool,
    queues: Queues,
}

impl Alerts {
    #[must_use]
    pub fn new(pool: PgPool, settings: &AlertSettings) -> Self {
        Self { pool, queues: sinks::queues(settings) }
    }

    /// Opens an alert or updates the open alert, in the transaction that counted the events.
    /// If the rule already has [`MAX_SEPARATE_ALERTS`] open alerts, the finding is added to the combined alert.
    ///
    /// # Errors
    /// [`ApiError::Internal`](crate::http::error::ApiError::Internal) if a database constraint rejects the name of the
    /// rule or the subject.
    pub async fn raise(&self, connection: &mut PgConnection, finding: &Finding, now: DateTime<Utc>) -> ApiResult<()> {
        let open = combined_store::open_alerts(connection, finding).await?;
        let (finding, totals) = if open.own || (!open.combined && open.separate < MAX_SEPARATE_ALERTS) {
            (finding.clone(), Totals::of_one(finding))
        } else if combined_store::join(connection, finding.rule, now).await? {
            return Ok(());
        } else {
            let totals = combined_store::totals(connection, finding, now).await?;
            (Finding { subject: Subject::All(finding.counted_for), ..finding.clone() }, totals)
        };
        let Some(opened) = store::raise(connection, &finding, &totals, now).await? else { return Ok(()) };
        let queued = store::queue(connection, "opened", &[opened], &self.queues, now).await?;
        if queued < self.queues.names.len() as u64 {
            tracing::error!(rule = finding.rule, "alert stored but not sent: too many messages are waiting");
        }
        Ok(())
    }

    /// Queues one summary per window for alerts with new findings. Clears alerts that had no finding for one window.
    /// Several replicas may call it at the same time.
    pub async fn summarise_and_clear(&self, now: DateTime<Utc>) -> ApiResult<()> {
        combined_store::refresh_totals(&self.pool, now).await?;
        store::clear_quiet(&self.pool, &self.queues, now).await?;
        Ok(store::queue_summaries(&self.pool, &self.queues, now).await?)
    }

    /// Lists the alerts after this position, from newest to oldest.
    /// The list is empty if the caller is no longer an administrator.
    pub async fn list(
        &self,
        admin: &AdminCaller,
        state: Option<State>,
        from: Position,
        limit: Limit,
    ) -> ApiResult<Vec<AlertRow>> {
        Ok(store::list(&self.pool, admin.user(), state, from, limit).await?)
    }

    /// Returns the numbers of open alerts, waiting messages and failed messages, for the metrics.
    pub async fn counts(&self) -> ApiResult<AlertCounts> {
        Ok(store::counts(&self.pool).await?)
    }

    pub async fn sweep(&self, now: DateTime<Utc>) -> ApiResult<()> {
        Ok(store::delete_old(&self.pool, now - ALERT_RETENTION).await?)
    }
}
