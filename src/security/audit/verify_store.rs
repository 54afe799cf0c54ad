//! SQL of the command `audit verify`. It runs as the schema's owner, because only this role may read all rows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::entry::Fields;
use super::hash_chain::{GENESIS_MAC, SealContent};
use crate::security::crypto::keys::{Keys, Tag};

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    pub batch: i64,
    pub events: i64,
    pub seqs: Vec<i64>,
    #[serde(with = "hex_bytes")]
    pub macs: Vec<u8>,
    #[serde(with = "hex_bytes")]
    pub previous: Vec<u8>,
    #[serde(with = "hex_bytes")]
    pub mac: Vec<u8>,
}

impl Seal {
    /// Returns a placeholder for the predecessor of the first seal, so that the first seal is checked like all others.
    pub fn genesis() -> Self {
        Self {
            batch: 0,
            events: 0,
            seqs: Vec::new(),
            macs: Vec::new(),
            previous: Vec::new(),
            mac: GENESIS_MAC.to_vec(),
        }
    }

    pub fn content(&self) -> SealContent<'_> {
        let Self { previous, batch, events, seqs, macs, .. } = self;
        SealContent { previous, batch: *batch, events: *events, seqs, macs }
    }

    /// Returns the previous seal, but only the values that this seal determines: batch number, count of events, MAC.
    pub fn predecessor(&self) -> Self {
        let events = self.events - i64::try_from(self.seqs.len()).unwrap_or(i64::MAX);
        Self { batch: self.batch - 1, events, mac: self.previous.clone(), ..Self::genesis() }
    }
}

mod hex_bytes {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::base::hex::{hex, unhex};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        unhex(&String::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("not hexadecimal"))
    }
}

/// A security event as stored in the database or in the archive.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub id: Uuid,
    pub seq: i64,
    pub at: DateTime<Utc>,
    pub kind: String,
    pub severity: String,
    pub reason: String,
    pub replica: String,
    pub method: Option<String>,
    pub route: Option<String>,
    pub user_id: Option<Uuid>,
    pub session_id: Option<Uuid>,
    pub address: Option<String>,
    pub request_id: Option<Uuid>,
    pub subject: Option<String>,
    pub object_kind: Option<String>,
    pub object_id: Option<Uuid>,
    pub object_class: Option<String>,
    pub amount: Option<i64>,
    #[serde(with = "hex_bytes")]
    pub mac: Vec<u8>,
}

impl Row {
    /// Returns whether the row has a valid MAC under one of the configured keys.
    pub fn has_valid_mac(&self, keys: &Keys) -> bool {
        let fields = Fields {
            id: self.id,
            at: self.at,
            kind: &self.kind,
            severity: &self.severity,
            reason: &self.reason,
            replica: &self.replica,
            method: self.method.as_deref(),
            route: self.route.as_deref(),
            user: self.user_id,
            session: self.session_id,
            address: self.address.as_deref(),
            request: self.request_id,
            subject: self.subject.as_deref(),
            object_kind: self.object_kind.as_deref(),
            object_id: self.object_id,
            object_class: self.object_class.as_deref(),
            amount: self.amount,
        };
        Tag::from_bytes(&self.mac).is_some_and(|tag| fields.verify(keys, &tag))
    }
}

/// A seal with the rows that it covers. Each line of the archive is one batch.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    pub seal: Seal,
    pub rows: Vec<Row>,
}

/// Begins a transaction with one snapshot, so that concurrent writes cannot cause false faults.
pub async fn begin(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("begin transaction isolation level repeatable read read only").execute(connection).await?;
    Ok(())
}

pub async fn end(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("rollback").execute(connection).await?;
    Ok(())
}

pub async fn next_seal(connection: &mut PgConnection, after: i64) -> Result<Option<Seal>, sqlx::Error> {
    sqlx::query_as!(
        Seal,
        "select batch, events, seqs, macs, previous, mac from security_event_seals where batch > $1 order by batch limit 1",
        after
    )
    .fetch_optional(connection)
    .await
}

pub async fn rows_at(connection: &mut PgConnection, seqs: &[i64]) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "select id, seq, at, kind, severity, reason, replica, method, route, user_id, session_id, address, request_id,
             subject, object_kind, object_id, object_class, amount, mac
         from security_events where seq = any($1)",
        seqs
    )
    .fetch_all(connection)
    .await
}

/// Returns the event of the last archiving. Its `amount` is the number of the last archived batch.
pub async fn newest_archived(connection: &mut PgConnection) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "select id, seq, at, kind, severity, reason, replica, method, route, user_id, session_id, address, request_id,
             subject, object_kind, object_id, object_class, amount, mac
         from security_events where kind = 'sys_audit_archived' order by amount desc nulls last limit 1"
    )
    .fetch_optional(connection)
    .await
}

pub async fn unsealed_after(connection: &mut PgConnection, after: i64) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "select id, seq, at, kind, severity, reason, replica, method, route, user_id, session_id, address, request_id,
             subject, object_kind, object_id, object_class, amount, mac
         from security_events e
         where seq > $1 and not exists (
             select from (select unnest(seqs) as seq from security_event_seals) sealed where sealed.seq = e.seq
         )
         order by seq limit 10000",
        after
    )
    .fetch_all(connection)
    .await
}

/// Returns the position at which the row with this MAC was sealed, or `None`.
pub async fn sealed_at(connection: &mut PgConnection, mac: &[u8]) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select s.seqs[n] as "seq!" from security_event_seals s, generate_series(1, cardinality(s.seqs)) n
           where substring(s.macs from 36 * (n - 1) + 1 for 36) = $1 limit 1"#,
        mac
    )
    .fetch_optional(connection)
    .await
}
