//! A security event as a database row, with its MAC (message authentication code).
//!
//! The MAC covers every field in a fixed order, each with its length.
//! Otherwise the fields `ab`, `c` would have the same MAC as the fields `a`, `bc`.
//! JSON is not used, because it has several encodings for one value.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::kinds::EventKind;
use super::objects::Object;
use crate::security::crypto::keys::{Keys, Purpose, Tag};

/// An event with all its fields.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub kind: EventKind,
    pub reason: &'static str,
    pub replica: String,
    pub method: Option<&'static str>,
    pub route: Option<String>,
    pub user: Option<Uuid>,
    pub session: Option<Uuid>,
    pub address: Option<String>,
    pub request: Option<Uuid>,
    pub subject: Option<String>,
    pub object: Option<Object>,
    /// The relation of the user to the object: `missing`, `foreign` (of another user) or `own`.
    /// The event writer (`detection/rules/writer.rs`) looks it up later.
    pub object_class: Option<String>,
    pub amount: Option<i64>,
    pub task: Task,
}

/// What the event writer does with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    WriteAndCount,
    /// Only count the event for the detection rules. Its row is written elsewhere: in the transaction of the action, or
    /// as the row of its aggregate.
    Count,
    /// Only write the row. It is the row of an aggregate whose events were already counted.
    Write,
}

/// The fields of one event, from an entry or from a stored row. The MAC covers all of them.
pub struct Fields<'a> {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub kind: &'a str,
    pub severity: &'a str,
    pub reason: &'a str,
    pub replica: &'a str,
    pub method: Option<&'a str>,
    pub route: Option<&'a str>,
    pub user: Option<Uuid>,
    pub session: Option<Uuid>,
    pub address: Option<&'a str>,
    pub request: Option<Uuid>,
    pub subject: Option<&'a str>,
    pub object_kind: Option<&'a str>,
    pub object_id: Option<Uuid>,
    pub object_class: Option<&'a str>,
    pub amount: Option<i64>,
}

impl Entry {
    /// Returns the number of events that this entry represents: the amount of an aggregate, otherwise 1.
    /// The detection rules use this number only for kinds whose `amount` is a number of events.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.amount.map_or(1, i64::unsigned_abs)
    }

    #[must_use]
    pub fn sign(&self, keys: &Keys) -> Tag {
        let fields = Fields {
            id: self.id,
            at: self.at,
            kind: self.kind.name(),
            severity: self.kind.severity().name(),
            reason: self.reason,
            replica: &self.replica,
            method: self.method,
            route: self.route.as_deref(),
            user: self.user,
            session: self.session,
            address: self.address.as_deref(),
            request: self.request,
            subject: self.subject.as_deref(),
            object_kind: self.object.map(|object| object.kind.name),
            object_id: self.object.map(|object| object.id),
            object_class: self.object_class.as_deref(),
            amount: self.amount,
        };
        fields.sign(keys)
    }
}

impl Fields<'_> {
    #[must_use]
    pub fn sign(&self, keys: &Keys) -> Tag {
        keys.sign(Purpose::SecurityEvent, &slices(&self.parts()))
    }

    /// Returns whether `tag` is a valid MAC of these fields under one of the configured keys.
    #[must_use]
    pub fn verify(&self, keys: &Keys, tag: &Tag) -> bool {
        keys.verify(Purpose::SecurityEvent, &slices(&self.parts()), tag)
    }

    fn parts(&self) -> [Vec<u8>; 17] {
        let text = |text: Option<&str>| encode_optional(text.map(str::as_bytes));
        let id = |id: Option<Uuid>| encode_optional(id.as_ref().map(|id| id.as_bytes().as_slice()));
        let amount = self.amount.map(i64::to_be_bytes);
        [
            self.id.as_bytes().to_vec(),
            self.at.timestamp_micros().to_be_bytes().to_vec(),
            self.kind.into(),
            self.severity.into(),
            self.reason.into(),
            self.replica.into(),
            text(self.method),
            text(self.route),
            id(self.user),
            id(self.session),
            text(self.address),
            id(self.request),
            text(self.subject),
            text(self.object_kind),
            id(self.object_id),
            text(self.object_class),
            encode_optional(amount.as_ref().map(<[u8; 8]>::as_slice)),
        ]
    }
}

fn slices(parts: &[Vec<u8>]) -> Vec<&[u8]> {
    parts.iter().map(Vec::as_slice).collect()
}

/// Encodes a value for the MAC. An absent value has a different encoding than an empty value.
fn encode_optional(value: Option<&[u8]>) -> Vec<u8> {
    value.map(|value| [&[1], value].concat()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::audit::objects::ObjectKind;

    #[test]
    fn event_mac_covers_each_field() {
        let keys = Keys::new(&vec![1; 32].into()).unwrap();
        let entry = Entry {
            id: Uuid::from_u128(1),
            at: DateTime::from_timestamp_micros(1).unwrap(),
            kind: EventKind::AuthzFail,
            reason: "a",
            replica: "b".to_owned(),
            method: None,
            route: None,
            user: None,
            session: None,
            address: None,
            request: None,
            subject: None,
            object: None,
            object_class: None,
            amount: None,
            task: Task::WriteAndCount,
        };
        let id = Some(Uuid::from_u128(2));
        let text = || Some("c".to_owned());
        let mut macs: Vec<[u8; 32]> = [
            entry.clone(),
            Entry { id: Uuid::from_u128(2), ..entry.clone() },
            Entry { at: DateTime::from_timestamp_micros(2).unwrap(), ..entry.clone() },
            Entry { kind: EventKind::SequenceFail, ..entry.clone() },
            Entry { reason: "ab", replica: String::new(), ..entry.clone() },
            Entry { replica: "c".to_owned(), ..entry.clone() },
            Entry { method: Some("c"), ..entry.clone() },
            Entry { route: text(), ..entry.clone() },
            Entry { route: Some(String::new()), ..entry.clone() },
            Entry { user: id, ..entry.clone() },
            Entry { session: id, ..entry.clone() },
            Entry { address: text(), ..entry.clone() },
            Entry { request: id, ..entry.clone() },
            Entry { subject: text(), ..entry.clone() },
            Entry { object: Some(Object { kind: ObjectKind::SESSION, id: Uuid::from_u128(2) }), ..entry.clone() },
            Entry { object: Some(Object { kind: ObjectKind::USER, id: Uuid::from_u128(2) }), ..entry.clone() },
            Entry { object_class: text(), ..entry.clone() },
            Entry { amount: Some(0), ..entry.clone() },
        ]
        .iter()
        .map(|entry| entry.sign(&keys).mac)
        .collect();
        let all = macs.len();
        macs.sort_unstable();
        macs.dedup();
        assert_eq!(macs.len(), all);
        assert_eq!(Entry { task: Task::Count, ..entry.clone() }.sign(&keys), entry.sign(&keys));
        let others = Keys::new(&vec![2; 32].into()).unwrap();
        assert_ne!(entry.sign(&others).mac, entry.sign(&keys).mac);
    }
}
