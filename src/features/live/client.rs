//! The talk with one client: what he asks for, and what he is told.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use actix_ws::Session;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use super::hub::{Ear, Live, Told};
use super::model::{Change, Kind, Subscriptions, Topic, What};
use super::views::{Said, Say, Wish};
use super::wire::{Talk, Wire, redeem, send};
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind, Object, ObjectKind};
use crate::security::sessions::caller::Caller;
use crate::security::websockets::{Budget, Goodbye, MESSAGES_A_MINUTE, MOST_FAULTS, MOST_SUBSCRIPTIONS};

pub(super) struct Client<'a> {
    live: &'a Live,
    caller: &'a Caller,
    until: Rc<Cell<DateTime<Utc>>>,
    session: Session,
    ear: Ear,
    subscriptions: Subscriptions,
    messages: Budget,
    faults: u32,
}

enum Next {
    Said(String),
    Told(Told),
}

/// The object that a wish names, as events name it.
fn named(topic: Topic) -> Option<Object> {
    let Topic::One(kind, id) = topic else { return None };
    let kind = match kind {
        Kind::Invoice => ObjectKind::Invoice,
        Kind::Customer => ObjectKind::Customer,
        Kind::Document => ObjectKind::Document,
    };
    Some(Object { kind, id })
}

impl<'a> Client<'a> {
    pub(super) fn new(
        live: &'a Arc<Live>,
        caller: &'a Caller,
        until: Rc<Cell<DateTime<Utc>>>,
        session: Session,
    ) -> Self {
        Self {
            live,
            caller,
            until,
            session,
            ear: live.listen(caller.user()),
            subscriptions: Subscriptions::up_to(MOST_SUBSCRIPTIONS),
            messages: Budget::a_minute(MESSAGES_A_MINUTE),
            faults: 0,
        }
    }

    /// Until something ends it.
    pub(super) async fn talk(mut self, wire: &mut Wire) -> Goodbye {
        let mut say = Some(Say::Ready { until: self.until.get() });
        loop {
            if let Some(say) = say.take()
                && let Err(goodbye) = send(&mut self.session, &say).await
            {
                return goodbye;
            }
            let next = tokio::select! {
                said = wire.next() => said.map(Next::Said),
                told = self.ear.next() => Ok(Next::Told(told)),
            };
            let answer = match next {
                Ok(Next::Said(text)) => self.answer(&text).await.map(Some),
                Ok(Next::Told(Told::Change(change))) => self.news(&change).await,
                Ok(Next::Told(Told::Resync)) => Ok(Some(Say::Resync)),
                Err(goodbye) => Err(goodbye),
            };
            match answer {
                // The one wall between an end that was announced and a message that was already under way.
                Ok(_) if self.live.revocations.has_ended(self.caller.session()) => return Goodbye::SessionEnded,
                Ok(answer) => say = answer,
                Err(goodbye) => return goodbye,
            }
        }
    }

    /// Each message gets one answer, in order.
    async fn answer(&mut self, text: &str) -> Talk<Say> {
        if !self.messages.spend() {
            return Err(Goodbye::TooManyMessages);
        }
        let mut wished = None;
        let done = match Said::read(text) {
            Ok(Said::Renew { ticket }) => return self.renew(&ticket).await,
            Ok(Said::Subscribe(wish)) => {
                wished = wish.topic().ok().and_then(named);
                self.subscribe(&wish).await
            }
            Ok(Said::Unsubscribe(wish)) => wish.topic().map(|topic| {
                self.subscriptions.remove(topic);
                Say::Unsubscribed(topic.into())
            }),
            Ok(Said::Authenticate { .. }) => Err(ApiError::invalid("/type", "was said before")),
            Err(fault) => Err(fault),
        };
        let refusal = match done {
            Ok(say) => return Ok(say),
            Err(refusal) => refusal,
        };
        let (kind, reason) = match refusal {
            ApiError::NotFound => (EventKind::AuthzFail, "live_subscription"),
            ApiError::Conflict { .. } => (EventKind::ExcessRateLimitExceeded, "live_subscriptions"),
            ApiError::NotJson(_) | ApiError::Invalid(_) => {
                self.faults += 1;
                (EventKind::InputValidationFail, "live_message")
            }
            ref error => {
                tracing::warn!(%error, "a message could not be answered");
                return Ok(Say::refusal(error));
            }
        };
        match wished.filter(|_| kind == EventKind::AuthzFail) {
            Some(object) => Event::new(kind).reason(reason).object(object).record(),
            None => Event::new(kind).reason(reason).record(),
        }
        if self.faults > MOST_FAULTS { Err(Goodbye::TooManyFaults) } else { Ok(Say::refusal(&refusal)) }
    }

    /// One object is looked up as a read does it; all of a kind are the caller's own, whichever they are.
    async fn subscribe(&mut self, wish: &Wish) -> ApiResult<Say> {
        let topic = wish.topic()?;
        if let Topic::One(kind, id) = topic {
            self.version_of(kind, id).await?;
        }
        self.subscriptions.add(topic)?;
        Ok(Say::Subscribed(topic.into()))
    }

    /// The same user's same session may stay as long as the new ticket says.
    async fn renew(&self, ticket: &SecretString) -> Talk<Say> {
        let caller = redeem(self.live, ticket).await?;
        if (caller.user(), caller.session()) != (self.caller.user(), self.caller.session()) {
            Event::new(EventKind::AuthzFail).reason("live_renewal").user(caller.user()).record();
            return Err(Goodbye::BadTicket);
        }
        self.until.set(caller.until());
        Ok(Say::Renewed { until: caller.until() })
    }

    /// What is told of a change: what a read would show of it now, and nothing that a read would refuse.
    async fn news(&self, change: &Change) -> Talk<Option<Say>> {
        if !self.subscriptions.want(change) {
            return Ok(None);
        }
        Ok(match (self.version_of(change.kind, change.id).await, change.what) {
            (Ok(_), What::Deleted) => None,
            (Ok(version), _) => Some(Say::event(change, version)),
            (Err(ApiError::NotFound), What::Deleted) => Some(Say::event(change, change.version)),
            (Err(ApiError::NotFound), _) => None,
            (Err(error), _) => {
                tracing::warn!(%error, "a change could not be read");
                Some(Say::Resync)
            }
        })
    }

    async fn version_of(&self, kind: Kind, id: Uuid) -> ApiResult<i64> {
        let _turn = self.live.reads.acquire().await.map_err(ApiError::internal)?;
        self.live.objects.version(self.caller, kind, id).await
    }
}
