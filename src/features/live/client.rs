//! Serves one authenticated client: replies to its messages and sends it events.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_ws::Session;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use tokio::time::timeout;
use uuid::Uuid;

use super::connection::{Connection, SocketResult, redeem, send};
use super::hub::{EventReceiver, Live, Notification};
use super::model::{Change, ChangeType, Subscriptions, Topic, administrators};
use super::store;
use super::views::{ClientMessage, ServerMessage, SubscriptionTarget};
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind, Object, ObjectKind};
use crate::security::authorization::administrators::AdminCaller;
use crate::security::sessions::caller::Caller;
use crate::security::websockets::{
    Budget, CloseReason, MAX_INVALID_MESSAGES, MAX_MESSAGES_PER_MINUTE, MAX_SUBSCRIPTIONS,
};

/// The maximum duration of [`EventReceiver::start`] for a new socket.
const START_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Client<'a> {
    live: &'a Arc<Live>,
    caller: &'a Caller,
    until: Rc<Cell<DateTime<Utc>>>,
    session: Session,
    events: EventReceiver,
    /// `None` until an administrator subscribes to alerts.
    alerts: Option<(AdminCaller, EventReceiver)>,
    subscriptions: Subscriptions,
    message_budget: Budget,
    invalid_messages: u32,
}

enum Next {
    Received(String),
    Notified(Notification),
}

/// Returns the object for the security event of a refused subscription.
fn event_object(topic: Topic) -> Option<Object> {
    let Topic::One(kind, id) = topic else { return None };
    Some(Object { kind, id })
}

/// Waits forever if the caller has not subscribed to alerts.
async fn next_alert(alerts: &mut Option<(AdminCaller, EventReceiver)>) -> Notification {
    match alerts {
        Some((_, receiver)) => receiver.next().await,
        None => std::future::pending().await,
    }
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
            events: live.subscribe(caller.user()),
            alerts: None,
            subscriptions: Subscriptions::new(MAX_SUBSCRIPTIONS),
            message_budget: Budget::per_minute(MAX_MESSAGES_PER_MINUTE),
            invalid_messages: 0,
        }
    }

    pub(super) async fn run(mut self, connection: &mut Connection) -> CloseReason {
        if timeout(START_TIMEOUT, self.events.start()).await.is_err() {
            return CloseReason::Unavailable;
        }
        let mut message = Some(ServerMessage::Ready { until: self.until.get() });
        loop {
            if let Some(message) = message.take()
                && let Err(close) = send(&mut self.session, &message).await
            {
                return close;
            }
            let next = tokio::select! {
                received = connection.next() => received.map(Next::Received),
                notification = self.events.next() => Ok(Next::Notified(notification)),
                notification = next_alert(&mut self.alerts) => Ok(Next::Notified(notification)),
            };
            let reply = match next {
                Ok(Next::Received(text)) => self.reply_to(&text).await.map(Some),
                Ok(Next::Notified(Notification::Change(change))) => self.notification_message(&change).await,
                Ok(Next::Notified(Notification::Resync)) => Ok(Some(ServerMessage::Resync)),
                Err(close) => Err(close),
            };
            match reply {
                // The login session may have ended meanwhile. Then the client must not receive the reply.
                Ok(_) if self.live.revocations.has_ended(self.caller.session()) => return CloseReason::SessionEnded,
                Ok(reply) => message = reply,
                Err(close) => return close,
            }
        }
    }

    async fn reply_to(&mut self, text: &str) -> SocketResult<ServerMessage> {
        if !self.message_budget.spend() {
            return Err(CloseReason::TooManyMessages);
        }
        let mut requested = None;
        let result = match ClientMessage::read(text) {
            Ok(ClientMessage::Renew { ticket }) => return self.renew(&ticket).await,
            Ok(ClientMessage::Subscribe(target)) => {
                requested = target.topic().ok().and_then(event_object);
                self.subscribe(&target).await
            }
            Ok(ClientMessage::Unsubscribe(target)) => target.topic().map(|topic| {
                self.subscriptions.remove(topic);
                ServerMessage::Unsubscribed(topic.into())
            }),
            Ok(ClientMessage::Authenticate { .. }) => Err(ApiError::invalid("/type", "must be the first message only")),
            Err(fault) => Err(fault),
        };
        let refusal = match result {
            Ok(message) => return Ok(message),
            Err(refusal) => refusal,
        };
        let (kind, reason) = match refusal {
            ApiError::NotFound => (EventKind::AuthzFail, "live_subscription"),
            ApiError::Forbidden => (EventKind::AuthzFail, "forbidden"),
            ApiError::Conflict { .. } => (EventKind::ExcessRateLimitExceeded, "live_subscriptions"),
            ApiError::NotJson(_) | ApiError::Invalid(_) => {
                self.invalid_messages += 1;
                (EventKind::InputValidationFail, "live_message")
            }
            ref error => {
                tracing::warn!(%error, "failed to process a live message");
                return Ok(ServerMessage::refusal(error));
            }
        };
        match requested.filter(|_| kind == EventKind::AuthzFail) {
            Some(object) => Event::new(kind).reason(reason).object(object).record(),
            None => Event::new(kind).reason(reason).record(),
        }
        if self.invalid_messages > MAX_INVALID_MESSAGES {
            Err(CloseReason::TooManyInvalidMessages)
        } else {
            Ok(ServerMessage::refusal(&refusal))
        }
    }

    /// The authorization check depends on the subject:
    /// - A single object: the caller may read the object.
    /// - Alerts: the caller is an administrator.
    /// - All objects of a kind: no check, because the socket receives only changes of the caller's own objects.
    async fn subscribe(&mut self, target: &SubscriptionTarget) -> ApiResult<ServerMessage> {
        let topic = target.topic()?;
        match topic {
            Topic::One(kind, id) => {
                self.version_of(kind, id).await?;
            }
            // A second subscription to alerts needs no check, because the role is checked before each alert is sent.
            Topic::All(ObjectKind::ALERT) if self.alerts.is_none() => {
                let _permit = self.live.reads.acquire().await.map_err(ApiError::internal)?;
                let admin = self.live.administrators.authorize(self.caller.clone()).await?;
                self.alerts = Some((admin, self.live.subscribe(administrators())));
            }
            Topic::All(_) => {}
        }
        self.subscriptions.add(topic)?;
        Ok(ServerMessage::Subscribed(topic.into()))
    }

    /// Extends the authentication of the client. The new ticket must belong to the same login session.
    async fn renew(&self, ticket: &SecretString) -> SocketResult<ServerMessage> {
        let caller = redeem(self.live, ticket).await?;
        if (caller.user(), caller.session()) != (self.caller.user(), self.caller.session()) {
            Event::new(EventKind::AuthzFail).reason("live_renewal").user(caller.user()).record();
            return Err(CloseReason::InvalidTicket);
        }
        self.until.set(caller.expires_at());
        Ok(ServerMessage::Renewed { until: caller.expires_at() })
    }

    /// Returns `None` if the client has not subscribed to the object or may not read it.
    async fn notification_message(&self, change: &Change) -> SocketResult<Option<ServerMessage>> {
        if !self.subscriptions.includes(change) {
            return Ok(None);
        }
        Ok(match (self.version_of(change.kind, change.id).await, change.change_type) {
            (Ok(_), ChangeType::Deleted) => None,
            (Ok(version), _) => Some(ServerMessage::event(change, version)),
            (Err(ApiError::NotFound), ChangeType::Deleted) => Some(ServerMessage::event(change, change.version)),
            (Err(ApiError::NotFound), _) => None,
            (Err(error), _) => {
                tracing::warn!(%error, "failed to read a changed object; the client is asked to resync");
                Some(ServerMessage::Resync)
            }
        })
    }

    async fn version_of(&self, kind: ObjectKind, id: Uuid) -> ApiResult<i64> {
        let _permit = self.live.reads.acquire().await.map_err(ApiError::internal)?;
        match &self.alerts {
            Some((admin, _)) if kind == ObjectKind::ALERT => store::alert_version(&self.live.pool, admin, id).await,
            _ => store::version(&self.live.pool, self.caller, kind, id).await,
        }
    }
}
