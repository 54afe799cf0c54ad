//! What there is to subscribe to, and what is told of it.

use std::collections::HashSet;
use std::str::FromStr;

use uuid::Uuid;

use crate::base::id::UserId;
use crate::http::error::ApiError;

/// What can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Invoice,
    Customer,
    Document,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Invoice, Self::Customer, Self::Document];

    /// One of it, as clients and triggers write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Customer => "customer",
            Self::Document => "document",
        }
    }

    /// All of them.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Invoice => "invoices",
            Self::Customer => "customers",
            Self::Document => "documents",
        }
    }
}

/// What somebody can listen to: one object, or all of one's own of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    One(Kind, Uuid),
    All(Kind),
}

impl Topic {
    /// `invoice` with an id, or `invoices` without. `None`: neither.
    #[must_use]
    pub fn named(object: &str, id: Option<Uuid>) -> Option<Self> {
        Kind::ALL.into_iter().find_map(|kind| match id {
            Some(id) => (object == kind.word()).then_some(Self::One(kind, id)),
            None => (object == kind.plural()).then_some(Self::All(kind)),
        })
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Created,
    Updated,
    Deleted,
}

impl What {
    /// As clients and triggers write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// A change as its trigger announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: Kind,
    pub what: What,
    pub owner: UserId,
    pub id: Uuid,
    pub version: i64,
}

/// No announcement of this build's triggers.
#[derive(Debug, thiserror::Error)]
#[error("not a change")]
pub struct NotAChange;

impl FromStr for Change {
    type Err = NotAChange;

    fn from_str(text: &str) -> Result<Self, NotAChange> {
        let mut words = text.split(' ');
        let mut word = || words.next().ok_or(NotAChange);
        let (kind, what, owner, id, version) = (word()?, word()?, word()?, word()?, word()?);
        let whats = [What::Created, What::Updated, What::Deleted];
        Ok(Self {
            kind: Kind::ALL.into_iter().find(|known| known.word() == kind).ok_or(NotAChange)?,
            what: whats.into_iter().find(|known| known.word() == what).ok_or(NotAChange)?,
            owner: owner.parse().map_err(|_| NotAChange)?,
            id: id.parse().map_err(|_| NotAChange)?,
            version: version.parse().map_err(|_| NotAChange)?,
        })
    }
}

/// A socket has as many subscriptions as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no room for one more subscription")]
pub struct Full;

impl From<Full> for ApiError {
    fn from(_: Full) -> Self {
        Self::Conflict { code: "too_many_subscriptions", title: "There is no room for one more" }
    }
}

/// One socket's subscriptions, up to a number.
pub struct Subscriptions {
    topics: HashSet<Topic>,
    most: usize,
}

impl Subscriptions {
    #[must_use]
    pub fn up_to(most: usize) -> Self {
        Self { topics: HashSet::new(), most }
    }

    /// One more, if it fits. One that is there already always does.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn add(&mut self, topic: Topic) -> Result<(), Full> {
        if self.topics.len() >= self.most && !self.topics.contains(&topic) {
            return Err(Full);
        }
        self.topics.insert(topic);
        Ok(())
    }

    pub fn remove(&mut self, topic: Topic) {
        self.topics.remove(&topic);
    }

    /// Whether this change was asked for.
    #[must_use]
    pub fn want(&self, change: &Change) -> bool {
        [Topic::One(change.kind, change.id), Topic::All(change.kind)].iter().any(|topic| self.topics.contains(topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_is_read_whole_or_not_at_all() {
        let (owner, id) = (UserId::new(), Uuid::new_v4());
        let change: Change = format!("invoice updated {owner} {id} 3").parse().unwrap();
        assert_eq!(change, Change { kind: Kind::Invoice, what: What::Updated, owner, id, version: 3 });
        for other in ["", "invoice", "session updated x y 1", &format!("invoice updated {owner} {id} x")] {
            assert!(other.parse::<Change>().is_err(), "{other}");
        }
    }

    #[test]
    fn subscriptions_have_a_cap_and_one_that_is_there_is_no_second() {
        let mut subscriptions = Subscriptions::up_to(2);
        let one = Topic::named("invoice", Some(Uuid::new_v4())).unwrap();
        subscriptions.add(one).unwrap();
        subscriptions.add(Topic::named("customers", None).unwrap()).unwrap();
        subscriptions.add(one).unwrap();
        assert_eq!(subscriptions.add(Topic::All(Kind::Invoice)), Err(Full));
        assert_eq!(subscriptions.topics.len(), 2);
        subscriptions.remove(one);
        subscriptions.add(Topic::All(Kind::Invoice)).unwrap();
        assert_eq!((Topic::named("invoice", None), Topic::named("invoices", Some(Uuid::nil()))), (None, None));
    }
}
