//! SQL of the recorder and of the chain writer.
//! The service's role may only insert rows and call the functions that are used here.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::entry::{Entry, Task};
use crate::security::crypto::keys::{KeyId, Keys};

/// Sets `object_class` of each entry about a denied object: `missing`, `foreign` or `own`.
pub async fn classify(connection: &mut PgConnection, batch: &mut [Entry]) -> Result<(), sqlx::Error> {
    let asked: Vec<&mut Entry> = batch
        .iter_mut()
        .filter(|entry| entry.object.is_some() && entry.user.is_some() && entry.task != Task::Count)
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let objects = || asked.iter().filter_map(|entry| entry.object);
    let kinds: Vec<String> = objects().map(|object| object.kind.name.to_owned()).collect();
    let ids: Vec<Uuid> = objects().map(|object| object.id).collect();
    let callers: Vec<Uuid> = asked.iter().filter_map(|entry| entry.user).collect();
    let classes = sqlx::query_scalar!(
        "select classify_object(asked.kind, asked.id, asked.caller)
         from unnest($1::text[], $2::uuid[], $3::uuid[]) with ordinality asked (kind, id, caller, place)
         order by asked.place",
        &kinds,
        &ids,
        &callers
    )
    .fetch_all(connection)
    .await?;
    for (entry, class) in asked.into_iter().zip(classes) {
        entry.object_class = class;
    }
    Ok(())
}

/// Inserts events. Skips events that are already stored, so the writer can retry after a commit whose reply was lost.
pub async fn insert<'a>(
    connection: &mut PgConnection,
    keys: &Keys,
    entries: impl Iterator<Item = &'a Entry> + Clone,
) -> Result<u64, sqlx::Error> {
    if entries.clone().next().is_none() {
        return Ok(0);
    }
    macro_rules! column {
        ($entry:ident => $value:expr) => {
            &entries.clone().map(|$entry| $value).collect::<Vec<_>>()
        };
    }
    let added = sqlx::query!(
        "insert into security_events (
             id, at, kind, severity, reason, replica, method, route, user_id, session_id, address, request_id, subject,
             object_kind, object_id, object_class, amount, mac
         )
         select * from unnest(
             $1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
             $9::uuid[], $10::uuid[], $11::text[], $12::uuid[], $13::text[], $14::text[], $15::uuid[], $16::text[],
             $17::bigint[], $18::bytea[]
         )
         on conflict do nothing",
        column!(entry => entry.id),
        column!(entry => entry.at),
        column!(entry => entry.kind.name().to_owned()),
        column!(entry => entry.kind.severity().name().to_owned()),
        column!(entry => entry.reason.to_owned()),
        column!(entry => entry.replica.clone()),
        column!(entry => entry.method.map(str::to_owned)) as _,
        column!(entry => entry.route.clone()) as _,
        column!(entry => entry.user) as _,
        column!(entry => entry.session) as _,
        column!(entry => entry.address.clone()) as _,
        column!(entry => entry.request) as _,
        column!(entry => entry.subject.clone()) as _,
        column!(entry => entry.object.map(|object| object.kind.name.to_owned())) as _,
        column!(entry => entry.object.map(|object| object.id)) as _,
        column!(entry => entry.object_class.clone()) as _,
        column!(entry => entry.amount) as _,
        column!(entry => entry.sign(keys).to_bytes()),
    )
    .execute(connection)
    .await?;
    Ok(added.rows_affected())
}

/// An event that is not sealed yet. The position comes from `security_events_unsealed`. `mac` is `None` if the event was
/// deleted from `security_events`.
pub struct UnsealedRow {
    pub seq: i64,
    pub mac: Option<Vec<u8>>,
}

pub struct LastSeal {
    pub batch: i64,
    pub events: i64,
    pub mac: Vec<u8>,
}

pub async fn last_seal(connection: &mut PgConnection) -> Result<Option<LastSeal>, sqlx::Error> {
    sqlx::query_as!(
        LastSeal,
        r#"select batch as "batch!", events as "events!", mac as "mac!" from last_security_event_seal()"#
    )
    .fetch_optional(connection)
    .await
}

/// Removes the oldest rows from the table `security_events_unsealed` and returns them.
/// While another transaction is sealing, the call waits for its end, at most `lock_timeout`, if `waits` is true.
/// If `waits` is false, the call then returns no rows.
pub async fn take_unsealed(
    connection: &mut PgConnection,
    most: i32,
    waits: bool,
) -> Result<Vec<UnsealedRow>, sqlx::Error> {
    sqlx::query_as!(
        UnsealedRow,
        r#"select seq as "seq!", mac from take_unsealed_security_events($1, $2) order by seq"#,
        most,
        waits
    )
    .fetch_all(connection)
    .await
}

pub struct NewSeal<'a> {
    pub batch: i64,
    pub sealed_at: DateTime<Utc>,
    pub events: i64,
    pub seqs: &'a [i64],
    pub macs: &'a [u8],
    pub previous: &'a [u8],
    pub mac: &'a [u8],
}

pub async fn add_seal(connection: &mut PgConnection, seal: &NewSeal<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into security_event_seals (batch, sealed_at, events, seqs, macs, previous, mac)
         values ($1, $2, $3, $4, $5, $6, $7)",
        seal.batch,
        seal.sealed_at,
        seal.events,
        seal.seqs,
        seal.macs,
        seal.previous,
        seal.mac
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[derive(Clone, Copy, Debug, Default)]
pub struct SealState {
    /// How long the oldest unsealed row has been waiting, in seconds.
    pub oldest_seconds: f64,
    /// The number of triggers of the audit tables that are missing or disabled.
    pub triggers_missing: i64,
}

pub async fn seal_state(pool: &PgPool) -> Result<SealState, sqlx::Error> {
    sqlx::query_as!(
        SealState,
        r#"select oldest_seconds as "oldest_seconds!", triggers_missing as "triggers_missing!"
           from security_event_seal_state()"#
    )
    .fetch_one(pool)
    .await
}

/// Terminates the database sessions of the service's role that block sealing, and returns their number.
/// Such a session has a transaction that is older than `for_seconds` and holds a lock on a table of the seals.
pub async fn end_sessions_that_block_sealing(pool: &PgPool, for_seconds: f64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) filter (where pg_terminate_backend(a.pid)) as "ended!" from pg_stat_activity a
           where a.datname = current_database() and a.usename = current_user and a.pid <> pg_backend_pid()
             and a.xact_start < now() - make_interval(secs => $1)
             and exists (
                 select from pg_locks l
                 where l.pid = a.pid and l.granted and l.mode in ('RowShareLock', 'RowExclusiveLock')
                   and l.relation in ('security_event_sealer'::regclass, 'security_event_seals'::regclass)
             )"#,
        for_seconds
    )
    .fetch_one(pool)
    .await
}

/// Stores the id of the current master key. If the key is new, returns the id of the previous key.
pub async fn store_key_id(
    connection: &mut PgConnection,
    key: KeyId,
    now: DateTime<Utc>,
) -> Result<Option<KeyId>, sqlx::Error> {
    let before = sqlx::query_scalar!(
        "with noted as (
             insert into master_keys (id, first_used_at) values ($1, $2) on conflict do nothing returning id
         )
         select before.id from master_keys before, noted where before.id <> noted.id
         order by before.first_used_at desc limit 1",
        &key.to_bytes(),
        now
    )
    .fetch_optional(connection)
    .await?;
    Ok(before.and_then(|id| KeyId::from_bytes(&id)))
}
