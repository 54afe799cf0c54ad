//! What is told of an event that concerns security: what, when, where, who.
//!
//! An event is built up and then either recorded, or kept. [`Event::record`] writes a line of the log and hands the event to the
//! recorder, which writes its row beside the request; in a flood it adds to a [tally](super::tallies). [`Event::keep`] writes the row in the transaction of what it tells of, for
//! what must not be lost.

use std::net::IpAddr;

use sqlx::PgConnection;
use uuid::{NoContext, Timestamp, Uuid};

use super::context::{self, Context};
use super::entry::{Entry, Task};
pub use super::kinds::{EventKind, Severity};
pub use super::objects::{Object, ObjectKind};
use super::recorder::Recorder;
use super::store;
use super::tallies::Key;
use crate::base::id::{SessionId, UserId};
use crate::http::error::{ApiError, ApiResult};
use crate::http::matched_route::MatchedRoute;

/// The log target of every security event.
pub const TARGET: &str = "security";
/// The log target of single events of a flood, off by default: it would be a flood of lines.
const TALLY_TARGET: &str = "security_tally";

/// An event, built up and then recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "an event that is not recorded did not happen"]
pub struct Event {
    kind: EventKind,
    reason: &'static str,
    user: Option<UserId>,
    session: Option<SessionId>,
    subject: Option<String>,
    object: Option<Object>,
    amount: Option<i64>,
}

/// Events whose rows stand in a transaction. Once that has committed, they are told; if it does not, they did not happen.
#[must_use = "tell it once the transaction has committed"]
pub struct Kept(Vec<(Event, Entry)>);

impl Event {
    /// An event of this kind.
    pub fn new(kind: EventKind) -> Self {
        Self { kind, reason: "", user: None, session: None, subject: None, object: None, amount: None }
    }

    /// A fixed word that tells like events apart.
    pub fn reason(self, reason: &'static str) -> Self {
        Self { reason, ..self }
    }

    /// Whom it concerns, where that is not the request's caller.
    pub fn user(self, user: UserId) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Which sign-in it concerns, where that is not the caller's.
    pub fn session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// The keyed hash of what was typed in (`Keys::fingerprint`).
    pub fn subject(self, fingerprint: String) -> Self {
        Self { subject: Some(fingerprint), ..self }
    }

    /// What was asked for. The writer finds out, for a denial, whose it is.
    pub fn object(self, object: Object) -> Self {
        Self { object: Some(object), ..self }
    }

    /// How many.
    pub fn amount(self, amount: u64) -> Self {
        Self { amount: i64::try_from(amount).ok(), ..self }
    }

    /// Writes a line of the log, and hands the event to the recorder for its row. In a flood of events that are alike it only
    /// adds to their tally.
    pub fn record(self) {
        let context = context::current();
        if let Some(context) = &context
            && self.key(context).is_some_and(|key| context.recorder.tally(key))
        {
            let (event, reason) = (self.kind.name(), self.reason);
            tracing::debug!(target: TALLY_TARGET, event, reason, "security event was tallied");
            return;
        }
        self.tell(context.as_deref(), None);
        if let Some(context) = context {
            context.recorder.hand(self.entry(&context.recorder, &context));
        }
    }

    /// Under which it is tallied. `None`: it always has a row of its own.
    fn key(&self, context: &Context) -> Option<Key> {
        let request = context.request.as_ref()?;
        if self.object.is_some() || self.amount.is_some() {
            return None;
        }
        let (user, session) = self.who(Some(context));
        let place = Some((request.route.clone(), request.address.prefix()));
        Some(Key { kind: self.kind, reason: self.reason, user, session, subject: self.subject.clone(), place })
    }

    /// Writes its row in this transaction. Tell it once that has committed.
    ///
    /// # Errors
    /// The database cannot be asked, or this task has no recorder: what must leave its event does not happen without.
    pub async fn keep(self, connection: &mut PgConnection) -> ApiResult<Kept> {
        Self::keep_all(vec![self], connection).await
    }

    /// The same for several.
    ///
    /// # Errors
    /// As [`Self::keep`].
    pub async fn keep_all(events: Vec<Self>, connection: &mut PgConnection) -> ApiResult<Kept> {
        if events.is_empty() {
            return Ok(Kept(Vec::new()));
        }
        let context = context::current().ok_or_else(|| ApiError::internal("an event without a recorder"))?;
        let entries: Vec<Entry> = events
            .iter()
            .map(|event| Entry { task: Task::Count, ..event.entry(&context.recorder, &context) })
            .collect();
        store::insert(connection, context.recorder.keys(), entries.iter()).await?;
        Ok(Kept(events.into_iter().zip(entries).collect()))
    }

    /// Its row.
    fn entry(&self, recorder: &Recorder, context: &Context) -> Entry {
        let at = recorder.clock().now();
        let (seconds, nanos) = (u64::try_from(at.timestamp()).unwrap_or(0), at.timestamp_subsec_nanos());
        let request = context.request.as_ref();
        Entry {
            // Inside only: version 7 tells when it was made.
            id: Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos)),
            at,
            kind: self.kind,
            reason: self.reason,
            replica: recorder.replica().to_owned(),
            method: request.map(|request| request.method),
            route: request.map(|request| request.route.name().to_owned()),
            user: self.who(Some(context)).0.map(UserId::uuid),
            session: self.who(Some(context)).1.map(SessionId::uuid),
            address: request.map(|request| request.address.to_string()),
            request: request.and_then(|request| request.id),
            subject: self.subject.clone(),
            object: self.object,
            object_class: None,
            amount: self.amount,
            task: Task::WriteAndCount,
        }
    }

    /// The row of so many events under one key, and its line if that is what is left to do.
    pub(in crate::security) fn of_tally(key: Key, amount: u64, task: Task, recorder: &Recorder) -> Entry {
        let Key { kind, reason, user, session, subject, place } = key;
        let event = Self { user, session, subject, ..Self::new(kind).reason(reason).amount(amount) };
        if task == Task::Write {
            event.tell(None, place.as_ref());
        }
        let (route, network) = place.unzip();
        Entry {
            route: route.map(|route| route.name().to_owned()),
            address: network.map(|network| network.to_string()),
            task,
            ..event.entry(recorder, &Context::none(recorder))
        }
    }

    /// An event about one user is not about the session of another.
    fn who(&self, context: Option<&Context>) -> (Option<UserId>, Option<SessionId>) {
        match context.and_then(Context::caller) {
            Some((user, session)) if self.session.is_none() && self.user.is_none_or(|about| about == user) => {
                (Some(user), Some(session))
            }
            _ => (self.user, self.session),
        }
    }

    /// Writes its line. `place` is for a tally's, which is written outside of any request.
    fn tell(&self, context: Option<&Context>, place: Option<&(MatchedRoute, IpAddr)>) {
        let (user, session) = self.who(context);
        let user = user.map(tracing::field::display);
        let session = session.map(tracing::field::display);
        let object = self.object.map(|object| object.kind.name());
        let object_id = self.object.map(|object| tracing::field::display(object.id));
        let route = place.map(|(route, _)| route.name());
        let network = place.map(|(_, network)| tracing::field::display(network));
        macro_rules! tell {
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
            Severity::Info => tell!(info),
            Severity::Warning => tell!(warn),
            Severity::Critical => tell!(error),
        }
    }
}

impl Kept {
    /// None, to be joined by others.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// These too.
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The transaction has committed: now it is told in the log, and whoever counts events sees it.
    pub fn committed(self) {
        let context = context::current();
        for (event, entry) in self.0 {
            event.tell(context.as_deref(), None);
            if let Some(context) = &context {
                context.recorder.hand(entry);
            }
        }
    }
}
