//! People are told what a rule found: once when it begins, once a window while it goes on, once when it is over.
//!
//! **Attack**: an attack that everybody could have seen and nobody was told of; an attacker who makes so many alerts that they
//! are muted.
//! **Control**: a finding opens one alert for its rule and whom it is about, or adds to the open one, in the transaction
//! that counted. Beyond ten open alerts of a rule (an alert storm: forged tokens from 1,000 networks) further findings share one
//! alert over all, with their number, their sum and the five largest. What people are told stands in an outbox, written in the
//! same statement, one row a message and sink: it is leased with `FOR UPDATE SKIP LOCKED` and delivered at least once across
//! crashes and replicas, three times tried, then one `alert_delivery_failed` event. No request waits for a receiver. Messages hold ids
//! and counts; a user's address goes only to the sinks that a setting names, and never to the log.
//! **Limits**: a receiver that says 200 and throws the message away. The log has each alert too.
//! **ASVS**: 16.2.5, 16.3.3, 16.5.2 · **Test**: `attacks::detection::alerts`

mod finding;
mod messages;
mod over_all_store;
mod sentences;
mod sinks;
mod store;
mod worker;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

pub use finding::{About, Finding, State};
pub use messages::{Message, Runbooks};
use over_all_store::Totals;
#[cfg(test)]
pub use sentences::has_words;
pub use sinks::SIGNATURE_VERSION;
pub use store::{Listed, MAIL_KIND, Numbers, message_of};
pub use worker::AlertWorker;

use crate::base::page::{Limit, Position};
use crate::config::AlertSettings;
use crate::http::error::ApiResult;
use crate::security::authorization::administrators::AdminCaller;

/// How long a delivered or given-up message is kept: an operator's trace.
const MESSAGES_KEPT: TimeDelta = TimeDelta::days(7);

/// How long an alert is kept after it was cleared.
const ALERTS_KEPT: TimeDelta = TimeDelta::days(90);

/// How many open alerts of one rule are about one user, network and so on. Further ones share one alert over all.
const MAX_SEPARATE: i64 = 10;

/// How many messages may wait for one sink. Beyond it the alert is kept and listed, and its next summary may find room: an
/// attacker from many networks must not fill the database, nor a receiver that comes back be flooded.
const MOST_WAITING: i64 = 1_000;

/// Opens alerts, keeps them, clears them.
#[derive(Clone)]
pub struct Alerts {
    pool: PgPool,
    /// Who is told, by name.
    sinks: Vec<String>,
}

impl Alerts {
    /// Tells the sinks that the settings name, and the log always.
    #[must_use]
    pub fn new(pool: PgPool, settings: &AlertSettings) -> Self {
        Self { pool, sinks: sinks::wanted(settings).into_iter().map(str::to_owned).collect() }
    }

    /// In the transaction that counted: opens an alert or adds to the open one. Beyond [`MAX_SEPARATE`] that is the one over all.
    ///
    /// # Errors
    /// The database cannot be asked, or the finding has no form: a rule's name and whom it is about are checked there.
    pub async fn raise(&self, connection: &mut PgConnection, finding: &Finding, now: DateTime<Utc>) -> ApiResult<()> {
        let open = over_all_store::open_alerts(connection, finding).await?;
        let (finding, totals) = if open.own || (!open.over_all && open.separate < MAX_SEPARATE) {
            (finding.clone(), Totals::of_one(finding))
        } else if over_all_store::join(connection, finding.rule, now).await? {
            return Ok(());
        } else {
            let totals = over_all_store::totals(connection, finding, now).await?;
            (Finding { about: About::All(finding.counted_for), ..finding.clone() }, totals)
        };
        let raised = store::raise(connection, &finding, &totals, &self.sinks, MOST_WAITING, now).await?;
        if raised.opened && raised.queued < self.sinks.len() as i64 {
            tracing::error!(rule = finding.rule, "an alert is kept and not told: too many messages wait already");
        }
        Ok(())
    }

    /// From a timer: one summary a window for what goes on, a clear for what has stopped. Of two replicas that turn at once one
    /// does it.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn turn(&self, now: DateTime<Utc>) -> ApiResult<()> {
        over_all_store::add_up(&self.pool, now).await?;
        store::clear(&self.pool, &self.sinks, MOST_WAITING, now).await?;
        store::summarise(&self.pool, &self.sinks, MOST_WAITING, now).await?;
        Ok(())
    }

    /// The alerts before this position, newest first. The database asks by itself whether the reader is an administrator now:
    /// others see none.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn list(
        &self,
        admin: &AdminCaller,
        state: Option<State>,
        from: Position,
        limit: Limit,
    ) -> ApiResult<Vec<Listed>> {
        Ok(store::list(&self.pool, admin.user(), state, from, limit).await?)
    }

    /// How much is open, waits and has failed, for the metrics.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn numbers(&self) -> ApiResult<Numbers> {
        Ok(store::numbers(&self.pool).await?)
    }

    /// Forgets what is over and old.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn sweep(&self, now: DateTime<Utc>) -> ApiResult<()> {
        Ok(store::forget(&self.pool, now - MESSAGES_KEPT, now - ALERTS_KEPT).await?)
    }
}
