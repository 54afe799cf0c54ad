use std::collections::HashSet;
use std::str::FromStr;

use uuid::Uuid;

use crate::base::id::UserId;
use crate::features::live_kinds;
use crate::http::error::ApiError;
use crate::security::audit::event::ObjectKind;

/// The subject of a subscription: either one object, or all of the caller's objects of one kind.
/// Administrators can also subscribe to all alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    One(ObjectKind, Uuid),
    All(ObjectKind),
}

impl Topic {
    /// A singular such as `invoice` requires an id. A plural such as `invoices` forbids one. Alerts have only a plural.
    #[must_use]
    pub fn parse(object: &str, id: Option<Uuid>) -> Option<Self> {
        live_kinds().chain(id.is_none().then_some(ObjectKind::ALERT)).find_map(|kind| match id {
            Some(id) => (object == kind.name).then_some(Self::One(kind, id)),
            None => (object == kind.plural()).then_some(Self::All(kind)),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeType {
    Created,
    Updated,
    Deleted,
}

impl ChangeType {
    /// Returns the name that clients and database triggers use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// A change of an object, recorded by a database trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: ObjectKind,
    pub change_type: ChangeType,
    /// The owner of the object. An alert has no owner, so its value is [`administrators`].
    pub owner: UserId,
    pub id: Uuid,
    pub version: i64,
}

/// Returns the nil UUID. It is the owner of all alerts, because they belong to no user.
#[must_use]
pub fn administrators() -> UserId {
    Uuid::nil().into()
}

#[derive(Debug, thiserror::Error)]
#[error("invalid change")]
pub struct InvalidChange;

impl FromStr for Change {
    type Err = InvalidChange;

    fn from_str(text: &str) -> Result<Self, InvalidChange> {
        let mut words = text.split(' ');
        let mut word = || words.next().ok_or(InvalidChange);
        let (kind, change_type, owner, id, version) = (word()?, word()?, word()?, word()?, word()?);
        let types = [ChangeType::Created, ChangeType::Updated, ChangeType::Deleted];
        Ok(Self {
            kind: live_kinds().chain([ObjectKind::ALERT]).find(|known| known.name == kind).ok_or(InvalidChange)?,
            change_type: types.into_iter().find(|known| known.as_str() == change_type).ok_or(InvalidChange)?,
            owner: owner.parse().map_err(|_| InvalidChange)?,
            id: id.parse().map_err(|_| InvalidChange)?,
            version: version.parse().map_err(|_| InvalidChange)?,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many subscriptions")]
pub struct TooManySubscriptions;

impl From<TooManySubscriptions> for ApiError {
    fn from(_: TooManySubscriptions) -> Self {
        Self::Conflict { code: "too_many_subscriptions", title: "The maximum number of subscriptions is reached" }
    }
}

pub struct Subscriptions {
    topics: HashSet<Topic>,
    max: usize,
}

impl Subscriptions {
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { topics: HashSet::new(), max }
    }

    pub fn add(&mut self, topic: Topic) -> Result<(), TooManySubscriptions> {
        if self.topics.len() >= self.max && !self.topics.contains(&topic) {
            return Err(TooManySubscriptions);
        }
        self.topics.insert(topic);
        Ok(())
    }

    pub fn remove(&mut self, topic: Topic) {
        self.topics.remove(&topic);
    }

    #[must_use]
    pub fn includes(&self, change: &Change) -> bool {
        [Topic::One(change.kind, change.id), Topic::All(change.kind)].iter().any(|topic| self.topics.contains(topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::invoices::id::InvoiceId;
    use crate::security::audit::objects::ObjectId;

    #[test]
    fn malformed_change_is_rejected() {
        let (owner, id) = (UserId::new(), Uuid::new_v4());
        let change: Change = format!("invoice updated {owner} {id} 3").parse().unwrap();
        assert_eq!(change, Change { kind: InvoiceId::KIND, change_type: ChangeType::Updated, owner, id, version: 3 });
        for other in ["", "invoice", "session updated x y 1", &format!("invoice updated {owner} {id} x")] {
            assert!(other.parse::<Change>().is_err(), "{other}");
        }
    }

    #[test]
    fn subscriptions_are_limited_and_duplicates_do_not_count() {
        let mut subscriptions = Subscriptions::new(2);
        let one = Topic::parse("invoice", Some(Uuid::new_v4())).unwrap();
        subscriptions.add(one).unwrap();
        subscriptions.add(Topic::parse("customers", None).unwrap()).unwrap();
        subscriptions.add(one).unwrap();
        assert_eq!(subscriptions.add(Topic::All(InvoiceId::KIND)), Err(TooManySubscriptions));
        assert_eq!(subscriptions.topics.len(), 2);
        subscriptions.remove(one);
        subscriptions.add(Topic::All(InvoiceId::KIND)).unwrap();
        assert_eq!((Topic::parse("invoice", None), Topic::parse("invoices", Some(Uuid::nil()))), (None, None));
    }
}
