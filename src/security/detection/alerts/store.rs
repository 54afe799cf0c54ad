//! SQL of alerts and their outbox. These rows have no owner: administrators and the sinks read them.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::combined_store::Totals;
use super::finding::{Finding, State};
use super::messages::Message;
use crate::base::id::UserId;
use crate::base::page::{Limit, Position};

/// The kind of an alert's mail in the mail outbox. The column `subject_id` of this mail contains the id of the alert's
/// message.
pub const MAIL_KIND: &str = "alert";

pub struct Raised {
    pub opened: bool,
    pub queued: i64,
}

/// Opens an alert or updates the open alert. Keeps the highest count since the last message.
pub async fn raise(
    connection: &mut PgConnection,
    finding: &Finding,
    totals: &Totals,
    sinks: &[String],
    max_queued: i64,
    now: DateTime<Utc>,
) -> Result<Raised, sqlx::Error> {
    sqlx::query_as!(
        Raised,
        r#"with raised as (
               insert into alerts as known (
                   id, rule, severity, about_kind, about, opened_at, last_seen_at, told_at, count, window_seconds,
                   threshold, members, largest)
               values ($1, $2, $3, $4, $5, $6, $6, $6, $7, $8, $11, $12, $13)
               on conflict (rule, about_kind, about) where state = 'open' do update set
                   last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at),
                   findings = known.findings + 1,
                   count = case when known.last_seen_at <= known.told_at then excluded.count
                       else greatest(known.count, excluded.count) end,
                   window_seconds = excluded.window_seconds
               returning id, count, findings = 1 as opened
           ), queued as (
               insert into alert_outbox (id, alert_id, kind, sink, count, created_at, next_attempt_at)
               select gen_random_uuid(), raised.id, 'opened', wanted.sink, raised.count, $6, $6
               from raised, unnest($9::text[]) as wanted(sink)
               where raised.opened and $10 > (
                   select count(*) from alert_outbox w
                   where w.sink = wanted.sink and w.sent_at is null and w.given_up_at is null)
               returning id
           )
           select opened as "opened!", (select count(*) from queued) as "queued!" from raised"#,
        Uuid::new_v4(),
        finding.rule,
        finding.severity.name(),
        finding.subject.kind(),
        finding.subject.to_string(),
        now,
        totals.events,
        i64::try_from(finding.window.as_secs()).unwrap_or(i64::MAX),
        sinks,
        max_queued,
        finding.threshold,
        totals.members,
        &totals.largest
    )
    .fetch_one(connection)
    .await
}

/// Clears alerts that have had no finding for one window.
pub async fn clear_quiet(
    pool: &PgPool,
    sinks: &[String],
    max_queued: i64,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with cleared as (
             update alerts set state = 'cleared', cleared_at = $1, told_at = $1
             where state = 'open' and last_seen_at + window_seconds * interval '1 second' <= $1
             returning id, count
         )
         insert into alert_outbox (id, alert_id, kind, sink, count, created_at, next_attempt_at)
         select gen_random_uuid(), cleared.id, 'cleared', wanted.sink, cleared.count, $1, $1
         from cleared, unnest($2::text[]) as wanted(sink)
         where $3 > (select count(*) from alert_outbox w
             where w.sink = wanted.sink and w.sent_at is null and w.given_up_at is null)",
        now,
        sinks,
        max_queued
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Queues a summary for each alert that has new findings and sent its last message at least one window ago.
pub async fn queue_summaries(
    pool: &PgPool,
    sinks: &[String],
    max_queued: i64,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with going_on as (
             update alerts set told_at = $1
             where state = 'open' and last_seen_at > told_at
                 and told_at + window_seconds * interval '1 second' <= $1
             returning id, count
         )
         insert into alert_outbox (id, alert_id, kind, sink, count, created_at, next_attempt_at)
         select gen_random_uuid(), going_on.id, 'continues', wanted.sink, going_on.count, $1, $1
         from going_on, unnest($2::text[]) as wanted(sink)
         where $3 > (select count(*) from alert_outbox w
             where w.sink = wanted.sink and w.sent_at is null and w.given_up_at is null)",
        now,
        sinks,
        max_queued
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Leases one message of this sink until `lease_end`, and returns its id. Concurrent workers skip leased rows.
pub async fn take(
    pool: &PgPool,
    sink: &str,
    now: DateTime<Utc>,
    lease_end: DateTime<Utc>,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "with due as (
             select id from alert_outbox
             where sink = $1 and next_attempt_at <= $2 and sent_at is null and given_up_at is null
             order by next_attempt_at limit 1 for update skip locked
         )
         update alert_outbox o set attempts = o.attempts + 1, next_attempt_at = $3
         from due where o.id = due.id returning o.id",
        sink,
        now,
        lease_end
    )
    .fetch_optional(pool)
    .await
}

/// Returns a message. The first message of an alert states the current count, which may have grown while the message
/// waited.
pub async fn message_of(pool: &PgPool, id: Uuid, shows_addresses: bool) -> Result<Option<Message>, sqlx::Error> {
    sqlx::query_as!(
        Message,
        r#"select o.id, o.kind, case when o.kind = 'opened' then greatest(o.count, a.count) else o.count end as "count!",
             o.attempts, o.created_at, a.id as alert_id, a.rule, a.severity, a.about_kind, a.about,
             case when $2 and a.about_kind = 'user' and a.about <> ''
                 then (select u.email from users u where u.id = a.about::uuid) end as address,
             a.members, a.largest, a.window_seconds, a.opened_at
         from alert_outbox o join alerts a on a.id = o.alert_id where o.id = $1"#,
        id,
        shows_addresses
    )
    .fetch_optional(pool)
    .await
}

pub async fn mark_sent(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("update alert_outbox set sent_at = $2 where id = $1 and given_up_at is null", id, now)
        .execute(pool)
        .await?;
    Ok(())
}

/// Moves the message to the mail outbox in one statement, so that the alert is mailed exactly once.
pub async fn move_to_mail_outbox(
    pool: &PgPool,
    id: Uuid,
    recipient: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with handed_over as (
             update alert_outbox set sent_at = $2 where id = $1 and sent_at is null and given_up_at is null returning id
         )
         insert into mail_outbox (id, kind, recipient, subject_id, created_at, next_attempt_at)
         select gen_random_uuid(), $4, $3, id, $2, $2 from handed_over",
        id,
        now,
        recipient,
        MAIL_KIND
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn postpone(pool: &PgPool, id: Uuid, until: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("update alert_outbox set next_attempt_at = $2 where id = $1", id, until).execute(pool).await?;
    Ok(())
}

/// Marks a message as failed. Returns whether this call has marked it, so that only one event is recorded.
pub async fn give_up(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let given_up = sqlx::query!(
        "update alert_outbox set given_up_at = $2 where id = $1 and sent_at is null and given_up_at is null",
        id,
        now
    )
    .execute(pool)
    .await?;
    Ok(given_up.rows_affected() == 1)
}

/// One row of the administrators' list of alerts.
#[derive(Clone, Debug)]
pub struct AlertRow {
    pub id: Uuid,
    pub rule: String,
    pub severity: String,
    pub about_kind: String,
    pub about: String,
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
        r#"select id as "id!", rule as "rule!", severity as "severity!", about_kind as "about_kind!", about as "about!",
               state as "state!", opened_at as "opened_at!", last_seen_at as "last_seen_at!", cleared_at, count as "count!",
               findings as "findings!", members as "members!", largest as "largest!", window_seconds as "window_seconds!"
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

/// The numbers of alerts and messages, for the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertCounts {
    /// The number of open alerts.
    pub open: i64,
    /// The number of messages that wait for delivery.
    pub waiting: i64,
    /// The number of messages that failed in the last week.
    pub failed: i64,
}

pub async fn counts(pool: &PgPool) -> Result<AlertCounts, sqlx::Error> {
    sqlx::query_as!(
        AlertCounts,
        r#"select (select count(*) from alerts where state = 'open') as "open!",
               count(*) filter (where sent_at is null and given_up_at is null) as "waiting!",
               count(*) filter (where given_up_at is not null) as "failed!"
           from alert_outbox"#
    )
    .fetch_one(pool)
    .await
}

pub async fn delete_old(
    pool: &PgPool,
    messages_before: DateTime<Utc>,
    alerts_before: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from alert_outbox where created_at < $1 and (sent_at is not null or given_up_at is not null)",
        messages_before
    )
    .execute(pool)
    .await?;
    sqlx::query!("delete from alerts where state = 'cleared' and cleared_at < $1", alerts_before).execute(pool).await?;
    Ok(())
}
