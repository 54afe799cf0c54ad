//! Creates and records security events.
//!
//! - [`Event::record`] writes a log line and queues the row, so the request does not wait for the database.
//!   During a flood of equal events, it only increments an [aggregate](super::aggregates).
//! - [`Event::record_in`] writes the row in the transaction of a critical action, so the action cannot be committed
//!   without its event.

use std::net::IpAddr;

use sqlx::PgConnection;
use uuid::{NoContext, Timestamp, Uuid};

use super::aggregates::AggregateKey;
use super::context::{self, Context};
use super::entry::{Entry, Task};
pub use super::kinds::{EventKind, Severity};
pub use super::objects::{Object, ObjectKind};
use super::recorder::Recorder;
use super::store;
use crate::base::id::{SessionId, UserId};
use crate::http::error::{ApiError, ApiResult};
use crate::http::matched_route::MatchedRoute;

pub const TARGET: &str = "security";
/// The log target of events that only increment an aggregate. It is off by default, because a flood would fill the log.
const AGGREGATE_TARGET: &str = "security_aggregate";

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "an event is lost unless it is recorded"]
pub struct Event {
    kind: EventKind,
    reason: &'static str,
    user: Option<UserId>,
    session: Option<SessionId>,
    subject: Option<String>,
    object: Option<Object>,
    amount: Option<i64>,
}

/// Events whose rows are in an open transaction. Publish them after the commit; drop them after a rollback.
#[must_use = "publish the events once the transaction has committed"]
pub struct PendingEvents(Vec<(Event, Entry)>);

impl Event {
    pub fn new(kind: EventKind) -> Self {
        Self { kind, reason: "", user: None, session: None, subject: None, object: None, amount: None }
    }

    /// Sets the reason: a fixed word that distinguishes events of the same kind.
    pub fn reason(self, reason: &'static str) -> Self {
        Self { reason, ..self }
    }

    /// Sets the user that the event is about. The default is the caller of the request.
    pub fn user(self, user: UserId) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Sets the session that the event is about. The default is the session of the caller.
    pub fn session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// Sets the keyed hash (`Keys::fingerprint`) of an identifier that the client sent, for example of a mail address.
    pub fn subject(self, fingerprint: String) -> Self {
        Self { subject: Some(fingerprint), ..self }
    }

    /// Sets the object that the client requested.
    pub fn object(self, object: Object) -> Self {
        Self { object: Some(object), ..self }
    }

    /// Sets the number of occurrences, or another number that `docs/security-events.md` explains for this kind.
    pub fn amount(self, amount: u64) -> Self {
        Self { amount: i64::try_from(amount).ok(), ..self }
    }

    /// Writes a log line and queues the row. During a flood of equal events, only increments their aggregate.
    pub fn record(self) {
        let context = context::current();
        if let Some(context) = &context
            && self.aggregate_key(context).is_some_and(|key| context.recorder.aggregate(key))
        {
            let (event, reason) = (self.kind.name(), self.reason);
            tracing::debug!(target: AGGREGATE_TARGET, event, reason, "security event aggregated");
            return;
        }
        self.log(context.as_deref(), None);
        if let Some(context) = context {
            context.recorder.enqueue(self.entry(&context.recorder, &context));
        }
    }

    /// Returns the key of the event's aggregate, or `None` if the event must always have its own row.
    fn aggregate_key(&self, context: &Context) -> Option<AggregateKey> {
        let request = context.request.as_ref()?;
        if self.object.is_some() || self.amount.is_some() {
            return None;
        }
        let (user, session) = self.user_and_session(Some(context));
        let place = Some((request.route.clone(), request.address.prefix()));
        Some(AggregateKey { kind: self.kind, reason: self.reason, user, session, subject: self.subject.clone(), place })
    }

    /// Writes the row in this transaction. Publish the returned events after the commit.
    ///
    /// # Errors
    /// Fails if the task has no recorder, because a critical action must not be committed without its event.
    pub async fn record_in(self, connection: &mut PgConnection) -> ApiResult<PendingEvents> {
        Self::record_all_in(vec![self], connection).await
    }

    pub async fn record_all_in(events: Vec<Self>, connection: &mut PgConnection) -> ApiResult<PendingEvents> {
        if events.is_empty() {
            return Ok(PendingEvents(Vec::new()));
        }
        let context =
            context::current().ok_or_else(|| ApiError::internal("a critical action has no event recorder"))?;
        let entries: Vec<Entry> = events
            .iter()
            .map(|event| Entry { task: Task::Count, ..event.entry(&context.recorder, &context) })
            .collect();
        store::insert(connection, context.recorder.keys(), entries.iter()).await?;
        Ok(PendingEvents(events.into_iter().zip(entries).collect()))
    }

    fn entry(&self, recorder: &Recorder, context: &Context) -> Entry {
        let at = recorder.clock().now();
        let (seconds, nanos) = (u64::try_from(at.timestamp()).unwrap_or(0), at.timestamp_subsec_nanos());
        let request = context.request.as_ref();
        Entry {
            // UUIDv7 reveals its creation time. This is harmless: clients never see the id of an event.
            id: Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos)),
            at,
            kind: self.kind,
            reason: self.reason,
            replica: recorder.replica().to_owned(),
            method: request.map(|request| request.method),
            route: request.map(|request| request.route.name().to_owned()),
            user: self.user_and_session(Some(context)).0.map(UserId::uuid),
            session: self.user_and_session(Some(context)).1.map(SessionId::uuid),
            address: request.map(|request| request.address.to_string()),
            request: request.and_then(|request| request.id),
            subject: self.subject.clone(),
            object: self.object,
            object_class: None,
            amount: self.amount,
            task: Task::WriteAndCount,
        }
    }

    /// Creates the entry of an aggregate. If `task` is [`Task::Write`], also writes its log line.
    pub(in crate::security) fn aggregated(key: AggregateKey, amount: u64, task: Task, recorder: &Recorder) -> Entry {
        let AggregateKey { kind, reason, user, session, subject, place } = key;
        let event = Self { user, session, subject, ..Self::new(kind).reason(reason).amount(amount) };
        if task == Task::Write {
            event.log(None, place.as_ref());
        }
        let (route, network) = place.unzip();
        Entry {
            route: route.map(|route| route.name().to_owned()),
            address: network.map(|network| network.to_string()),
            task,
            ..event.entry(recorder, &Context::background(recorder))
        }
    }

    /// Returns the user and session of the event. The default is the caller of the request.
    /// An event about another user does not get the session of the caller.
    fn user_and_session(&self, context: Option<&Context>) -> (Option<UserId>, Option<SessionId>) {
        match context.and_then(Context::caller) {
            Some((user, session)) if self.session.is_none() && self.user.is_none_or(|about| about == user) => {
                (Some(user), Some(session))
            }
            _ => (self.user, self.session),
        }
    }

    /// Writes the log line. `place` is the route and network of an aggregate, and `None` for a single event.
    fn log(&self, context: Option<&Context>, place: Option<&(MatchedRoute, IpAddr)>) {
        let (user, session) = self.user_and_session(context);
        let user = user.map(tracing::field::display);
        let session = session.map(tracing::field::display);
        let object = self.object.map(|object| object.kind.name);
        let object_id = self.object.map(|object| tracing::field::display(object.id));
        let route = place.map(|(route, _)| route.name());
        let network = place.map(|(_, network)| tracing::field::display(network));
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    target: TARGET,
                    event = self.kind.name(),
                    reason = self.reason,
                    user,
                    session,
                    subject = self.subject,
                    object,
                    object_id,
                    route,
                    network,
                    amount = self.amount,
                    "security event"
                )
            };
        }
        match self.kind.severity() {
            Severity::Info => log!(info),
            Severity::Warning => log!(warn),
            Severity::Critical => log!(error),
        }
    }
}

impl PendingEvents {
    pub fn empty() -> Self {
        Self(Vec::new())
    }

    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Writes the log lines and passes the events to the detection rules. Call it after the commit.
    pub fn publish(self) {
        let context = context::current();
        for (event, entry) in self.0 {
            event.log(context.as_deref(), None);
            if let Some(context) = &context {
                context.recorder.enqueue(entry);
            }
        }
    }
}
