//! SQL of combined alerts: counts the open alerts of a rule, adds findings to the combined alert, and sums its totals.
//! `alerts/mod.rs` explains findings and combined alerts.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::finding::Finding;

pub struct OpenAlerts {
    /// True if an alert about the subject of the finding is open.
    pub own: bool,
    /// True if the combined alert of the rule is open.
    pub combined: bool,
    /// The number of open alerts that are about one subject each.
    pub separate: i64,
}

pub async fn open_alerts(connection: &mut PgConnection, finding: &Finding) -> Result<OpenAlerts, sqlx::Error> {
    sqlx::query_as!(
        OpenAlerts,
        r#"select count(*) filter (where subject_kind = $2 and subject = $3) > 0 as "own!",
               count(*) filter (where subject = '') > 0 as "combined!",
               count(*) filter (where subject <> '') as "separate!"
           from alerts where rule = $1 and state = 'open'"#,
        finding.rule,
        finding.subject.kind(),
        finding.subject.to_string()
    )
    .fetch_one(connection)
    .await
}

/// Adds a finding to the combined alert of the rule. Returns `false` if no combined alert is open.
pub async fn join(connection: &mut PgConnection, rule: &str, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let joined = sqlx::query!(
        "update alerts set last_seen_at = greatest(last_seen_at, $2), findings = findings + 1
         where rule = $1 and subject = '' and state = 'open'",
        rule,
        now
    )
    .execute(connection)
    .await?;
    Ok(joined.rows_affected() > 0)
}

pub struct Totals {
    pub events: i64,
    pub members: i64,
    /// The subjects with the most events. The list is empty for an alert about one subject.
    pub largest: Vec<String>,
}

impl Totals {
    pub fn of_one(finding: &Finding) -> Self {
        Self { events: finding.count, members: 1, largest: Vec::new() }
    }
}

/// Returns the totals of all counters of the rule that have reached the threshold in their current window.
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

/// Updates the totals of each combined alert whose next message is due. Single findings do not update the totals,
/// because the sum reads every counter of the rule.
pub async fn refresh_totals(pool: &PgPool, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update alerts set count = summed.events, members = summed.members, largest = summed.largest
         from (
             select due.id, totals.events, totals.members, totals.largest
             from alerts due cross join lateral abuse_totals(due.rule, due.threshold, due.notified_at) totals
             where due.state = 'open' and due.subject = '' and due.last_seen_at >= due.notified_at
                 and due.notified_at + due.window_seconds * interval '1 second' <= $1
         ) summed
         where alerts.id = summed.id and summed.members > 0",
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}
