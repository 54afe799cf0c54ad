//! SQL of alerts and their messages in the outbox. The rows have no owner: only administrators and sinks read them.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::combined_store::Totals;
use super::finding::{Finding, State};
use super::messages::Message;
use crate::base::id::UserId;
use crate::base::page::{Limit, Position};
use crate::db::begin;

/// The maximum number of messages that wait for one sink. Above this limit, an alert is stored but its message is not
/// sent. The limit bounds the outbox during an attack, and the number of messages that a sink gets after its outage.
const MAX_QUEUED_MESSAGES: i64 = 1_000;

pub struct Reported {
    pub id: Uuid,
    pub count: i64,
}

#[derive(Clone)]
pub struct Queues {
    pub names: Vec<String>,
    pub recipient: String,
}

/// Queues one message per alert and sink, in the transaction that changes the alerts. Returns the number of messages.
pub async fn queue(
    connection: &mut PgConnection,
    kind: &str,
    alerts: &[Reported],
    queues: &Queues,
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    if alerts.is_empty() {
        return Ok(0);
    }
    let (ids, counts): (Vec<Uuid>, Vec<i64>) = alerts.iter().map(|alert| (alert.id, alert.count)).unzip();
    let queued = sqlx::query!(
        "insert into outbox (id, queue, kind, recipient, alert_id, count, created_at, next_attempt_at)
         select gen_random_uuid(), sink.queue, $1, case sink.queue when 'mail' then $6 else '' end, alert.id, alert.count, $2, $2
         from unnest($3::uuid[], $4::bigint[]) as alert (id, count) cross join unnest($5::text[]) as sink (queue)
         where $7 > (
             select count(*) from outbox o
             where o.queue = sink.queue and o.alert_id is not null and o.done_at is null and o.given_up_at is null)",
        kind,
        now,
        &ids,
        &counts,
        &queues.names,
        queues.recipient,
        MAX_QUEUED_MESSAGES
    );
    Ok(queued.execute(connection).await?.rows_affected())
}

/// Opens an alert or updates the open alert of the same rule and subject. Returns the alert if it is new.
/// An update stores the highest count since the last message.
pub async fn raise(
    connection: &mut PgConnection,
    finding: &Finding,
    totals: &Totals,
    now: DateTime<Utc>,
) -> Result<Option<Reported>, sqlx::Error> {
    let raised = sqlx::query!(
        r#"insert into alerts as known (
               id, rule, severity, subject_kind, subject, opened_at, last_seen_at, notified_at, count, window_seconds,
               threshold, members, largest)
           values ($1, $2, $3, $4, $5, $6, $6, $6, $7, $8, $9, $10, $11)
           on conflict (rule, subject_kind, subject) where state = 'open' do update set
               last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at),
               findings = known.findings + 1,
               count = case when known.last_seen_at <= known.notified_at then excluded.count
                   else greatest(known.count, excluded.count) end,
               window_seconds = excluded.window_seconds
           returning id, count, findings = 1 as "opened!""#,
        Uuid::new_v4(),
        finding.rule,
        finding.severity.name(),
        finding.subject.kind(),
        finding.subject.to_string(),
        now,
        totals.events,
        i64::try_from(finding.window.as_secs()).unwrap_or(i64::MAX),
        finding.threshold,
        totals.members,
        &totals.largest
    )
    .fetch_one(connection)
    .await?;
    Ok(raised.opened.then_some(Reported { id: raised.id, count: raised.count }))
}

/// Clears alerts that had no finding for one window, and queues a last message for each of them.
pub async fn clear_quiet(pool: &PgPool, queues: &Queues, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let mut transaction = begin(pool).await?;
    let cleared = sqlx::query_as!(
        Reported,
        "update alerts set state = 'cleared', cleared_at = $1, notified_at = $1
         where state = 'open' and last_seen_at + window_seconds * interval '1 second' <= $1
         returning id, count",
        now
    )
    .fetch_all(&mut *transaction)
    .await?;
    queue(&mut transaction, "cleared", &cleared, queues, now).await?;
    transaction.commit().await
}

/// Queues a summary for each alert that has new findings and whose last message is at least one window old.
pub async fn queue_summaries(pool: &PgPool, queues: &Queues, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let mut transaction = begin(pool).await?;
    let continuing = sqlx::query_as!(
        Reported,
        "update alerts set notified_at = $1
         where state = 'open' and last_seen_at > notified_at and notified_at + window_seconds * interval '1 second' <= $1
         returning id, count",
        now
    )
    .fetch_all(&mut *transaction)
    .await?;
    queue(&mut transaction, "continues", &continuing, queues, now).await?;
    transaction.commit().await
}

/// Returns a queued message with the data of its alert. The first message of an alert contains the current count, which
/// may have grown while the message was waiting.
pub async fn message_of(pool: &PgPool, id: Uuid, shows_addresses: bool) -> Result<Option<Message>, sqlx::Error> {
    sqlx::query_as!(
        Message,
        r#"select o.id, o.kind, case when o.kind = 'opened' then greatest(o.count, a.count) else o.count end as "count!",
             o.created_at, a.id as alert_id, a.rule, a.severity, a.subject_kind, a.subject,
             case when $2 and a.subject_kind = 'user' and a.subject <> ''
                 then (select u.email from users u where u.id = a.subject::uuid) end as address,
             a.members, a.largest, a.window_seconds, a.opened_at
         from outbox o join alerts a on a.id = o.alert_id where o.id = $1"#,
        id,
        shows_addresses
    )
    .fetch_optional(pool)
    .await
}

#[derive(Clone, Debug)]
pub struct AlertRow {
    pub id: Uuid,
    pub rule: String,
    pub severity: String,
    pub subject_kind: String,
    pub subject: String,
    pub state: String,
    pub opened_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub cleared_at: Option<DateTime<Utc>>,
    pub count: i64,
    pub findings: i64,
    pub members: i64,
    pub largest: Vec<String>,
    pub window_seconds: i64,
}

pub async fn list(
    pool: &PgPool,
    admin: UserId,
    state: Option<State>,
    from: Position,
    limit: Limit,
) -> Result<Vec<AlertRow>, sqlx::Error> {
    sqlx::query_as!(
        AlertRow,
        r#"select id as "id!", rule as "rule!", severity as "severity!", subject_kind as "subject_kind!",
               subject as "subject!", state as "state!", opened_at as "opened_at!", last_seen_at as "last_seen_at!",
               cleared_at, count as "count!", findings as "findings!", members as "members!", largest as "largest!",
               window_seconds as "window_seconds!"
           from admin_alerts($1, $2, $3, $4, $5)"#,
        admin.uuid(),
        state.map(State::name),
        from.created_at,
        from.id,
        limit.rows()
    )
    .fetch_all(pool)
    .await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertCounts {
    pub open: i64,
    /// The number of messages that are waiting for delivery.
    pub waiting: i64,
    /// The number of messages that were given up after the last attempt. The outbox keeps them for a week.
    pub failed: i64,
}

pub async fn counts(pool: &PgPool) -> Result<AlertCounts, sqlx::Error> {
    sqlx::query_as!(
        AlertCounts,
        r#"select (select count(*) from alerts where state = 'open') as "open!",
               count(*) filter (where given_up_at is null) as "waiting!",
               count(*) filter (where given_up_at is not null) as "failed!"
           from outbox where alert_id is not null and done_at is null"#
    )
    .fetch_one(pool)
    .await
}

pub async fn delete_old(pool: &PgPool, cleared_before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from alerts where state = 'cleared' and cleared_at < $1", cleared_before)
        .execute(pool)
        .await?;
    Ok(())
}
