//! Where an event happens, for whoever records one without a handle: the request, its address, its caller, and the recorder of
//! this service (many run in one test process, so there is no global).
//!
//! It belongs to the task. What is spawned takes it [`along`]; work that is no request's has [`background`].

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use tracing_actix_web::RequestId;
use uuid::Uuid;

use super::objects::Object;
use super::recorder::Recorder;
use crate::base::id::{SessionId, UserId};
use crate::http::client_ip::ClientAddr;
use crate::http::matched_route::MatchedRoute;
use crate::http::request_span::known_method;

tokio::task_local! {
    static CONTEXT: Arc<Context>;
}

/// What all events of one task have in common.
pub struct Context {
    pub recorder: Recorder,
    pub request: Option<Request>,
    caller: OnceLock<(UserId, SessionId)>,
    denied: Mutex<Option<Object>>,
}

/// The request that events belong to.
pub struct Request {
    pub id: Option<Uuid>,
    pub method: &'static str,
    pub route: MatchedRoute,
    pub address: ClientAddr,
}

impl Context {
    fn new(recorder: Recorder, request: Option<Request>) -> Arc<Self> {
        Arc::new(Self { recorder, request, caller: OnceLock::new(), denied: Mutex::default() })
    }

    /// Of work that is no request's.
    pub(super) fn none(recorder: &Recorder) -> Arc<Self> {
        Self::new(recorder.clone(), None)
    }

    /// Who calls, once it is known.
    #[must_use]
    pub fn caller(&self) -> Option<(UserId, SessionId)> {
        self.caller.get().copied()
    }
}

/// The context of this task. `None`: nobody will keep its events, they are lines of the log alone.
pub fn current() -> Option<Arc<Context>> {
    CONTEXT.try_with(Arc::clone).ok()
}

/// The layer: everything that a request does has its context.
///
/// # Errors
/// What the rest returns.
pub async fn enter<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let Some(recorder) = request.app_data::<Data<Recorder>>().map(|recorder| recorder.get_ref().clone()) else {
        return next.call(request).await;
    };
    // First, and not beside the id: they are kept in what the id is read from.
    let (address, route) = (ClientAddr::of(&request), MatchedRoute::of(request.request()));
    let facts = Request {
        id: request.extensions().get::<RequestId>().map(|id| Uuid::from(*id)),
        method: known_method(&request),
        route,
        address,
    };
    CONTEXT.scope(Context::new(recorder, Some(facts)), next.call(request)).await
}

/// Work that is no request's: start, end, sweeps, commands.
pub async fn background<F: Future>(recorder: &Recorder, work: F) -> F::Output {
    CONTEXT.scope(Context::new(recorder.clone(), None), work).await
}

/// The same for what does not wait.
pub fn within<T>(recorder: &Recorder, work: impl FnOnce() -> T) -> T {
    CONTEXT.sync_scope(Context::new(recorder.clone(), None), work)
}

/// Work that is spawned by a request and outlives it: a socket.
pub fn along<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let context = current();
    async {
        match context {
            Some(context) => CONTEXT.scope(context, work).await,
            None => work.await,
        }
    }
}

/// Who calls is proved. The first proof counts: a second ticket on a socket renews, and does not make it another's.
pub fn has_caller(user: UserId, session: SessionId) {
    if let Some(context) = current().filter(|context| context.request.is_some()) {
        let _ = context.caller.set((user, session));
    }
}

/// The request is about to be refused because of this object, which its path does not name.
pub fn denies(object: Object) {
    if let Some(context) = current() {
        *context.denied.lock().unwrap_or_else(PoisonError::into_inner) = Some(object);
    }
}

/// What [`denies`] was told.
pub(super) fn denied() -> Option<Object> {
    current()?.denied.lock().unwrap_or_else(PoisonError::into_inner).take()
}
