//! The statements on alerts over all: which finding goes there, and what they add up to.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::finding::Finding;

/// The open alerts of a rule, as far as they decide where a finding goes.
pub struct OpenAlerts {
    /// Whether there is one about the same user, network or account.
    pub own: bool,
    /// Whether there is one over all.
    pub over_all: bool,
    /// How many others there are.
    pub separate: i64,
}

pub async fn open_alerts(connection: &mut PgConnection, finding: &Finding) -> Result<OpenAlerts, sqlx::Error> {
    sqlx::query_as!(
        OpenAlerts,
        r#"select count(*) filter (where about_kind = $2 and about = $3) > 0 as "own!",
               count(*) filter (where about = '') > 0 as "over_all!",
               count(*) filter (where about <> '') as "separate!"
           from alerts where rule = $1 and state = 'open'"#,
        finding.rule,
        finding.about.kind(),
        finding.about.to_string()
    )
    .fetch_one(connection)
    .await
}

/// Adds a finding to the alert over all. `false`: it was cleared at the same moment, or there is none.
pub async fn join(connection: &mut PgConnection, rule: &str, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let joined = sqlx::query!(
        "update alerts set last_seen_at = greatest(last_seen_at, $2), findings = findings + 1
         where rule = $1 and about = '' and state = 'open'",
        rule,
        now
    )
    .execute(connection)
    .await?;
    Ok(joined.rows_affected() > 0)
}

/// What an alert is about in numbers.
pub struct Totals {
    pub events: i64,
    pub members: i64,
    /// Only of an alert over all: those with the most events.
    pub largest: Vec<String>,
}

impl Totals {
    pub fn of_one(finding: &Finding) -> Self {
        Self { events: finding.count, members: 1, largest: Vec::new() }
    }
}

/// What the rule has counted in the windows that run now, over all.
pub async fn totals(
    connection: &mut PgConnection,
    finding: &Finding,
    now: DateTime<Utc>,
) -> Result<Totals, sqlx::Error> {
    sqlx::query_as!(
        Totals,
        r#"select greatest(events, $4) as "events!", greatest(members, 1) as "members!", largest as "largest!"
           from abuse_totals($1, $2, $3)"#,
        finding.rule,
        finding.threshold,
        now,
        finding.count
    )
    .fetch_one(connection)
    .await
}

/// Brings the numbers of the alerts over all up to date, before a summary or a clear tells them. Not at each finding: the
/// sum reads every counter of the rule.
pub async fn add_up(pool: &PgPool, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update alerts set count = summed.events, members = summed.members, largest = summed.largest
         from (
             select due.id, totals.events, totals.members, totals.largest
             from alerts due cross join lateral abuse_totals(due.rule, due.threshold, due.told_at) totals
             where due.state = 'open' and due.about = '' and due.last_seen_at >= due.told_at
                 and due.told_at + due.window_seconds * interval '1 second' <= $1
         ) summed
         where alerts.id = summed.id and summed.members > 0",
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}
