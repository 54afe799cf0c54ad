//! The context of an event: the request, its address, its caller, and the recorder. The context is a task-local
//! variable, so code can record events without passing a recorder. There is no global recorder, because the tests run
//! many services in one process.
//!
//! [`inherit`] passes the context on to a spawned task. Work outside of a request runs in [`background`].

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

/// The values that all events of one task share.
pub struct Context {
    pub recorder: Recorder,
    pub request: Option<Request>,
    caller: OnceLock<(UserId, SessionId)>,
    denied: Mutex<Option<Object>>,
}

/// The request to which the events belong.
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

    /// Returns the context for work outside of a request.
    pub(super) fn background(recorder: &Recorder) -> Arc<Self> {
        Self::new(recorder.clone(), None)
    }

    /// Returns the verified caller, if the request has one.
    #[must_use]
    pub fn caller(&self) -> Option<(UserId, SessionId)> {
        self.caller.get().copied()
    }
}

/// Returns the context of this task. Without a context, an event is only a log line.
pub fn current() -> Option<Arc<Context>> {
    CONTEXT.try_with(Arc::clone).ok()
}

/// Middleware: sets the context for everything that the request does.
pub async fn enter<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let Some(recorder) = request.app_data::<Data<Recorder>>().map(|recorder| recorder.get_ref().clone()) else {
        return next.call(request).await;
    };
    // The request's extensions can be borrowed only once at a time, and all three values are stored there. So the
    // address and the route are read before the request id is borrowed.
    let (address, route) = (ClientAddr::of(&request), MatchedRoute::of(request.request()));
    let facts = Request {
        id: request.extensions().get::<RequestId>().map(|id| Uuid::from(*id)),
        method: known_method(&request),
        route,
        address,
    };
    CONTEXT.scope(Context::new(recorder, Some(facts)), next.call(request)).await
}

/// Runs work that belongs to no request, such as start-up, sweeps and commands.
pub async fn background<F: Future>(recorder: &Recorder, work: F) -> F::Output {
    CONTEXT.scope(Context::new(recorder.clone(), None), work).await
}

/// Runs synchronous work that belongs to no request, like [`background`].
pub fn background_sync<T>(recorder: &Recorder, work: impl FnOnce() -> T) -> T {
    CONTEXT.sync_scope(Context::new(recorder.clone(), None), work)
}

/// Passes the context on to a task that outlives its request, such as a WebSocket.
pub fn inherit<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let context = current();
    async {
        match context {
            Some(context) => CONTEXT.scope(context, work).await,
            None => work.await,
        }
    }
}

/// Records the verified caller. Later calls have no effect, so that a later ticket on the same WebSocket cannot change
/// the caller.
pub fn set_caller(user: UserId, session: SessionId) {
    if let Some(context) = current().filter(|context| context.request.is_some()) {
        let _ = context.caller.set((user, session));
    }
}

/// Names the object for which the request is about to be refused. Needed only if the path does not name the object.
pub fn set_denied_object(object: Object) {
    if let Some(context) = current() {
        *context.denied.lock().unwrap_or_else(PoisonError::into_inner) = Some(object);
    }
}

/// Returns the object that [`set_denied_object`] stored, and clears it.
pub(super) fn take_denied_object() -> Option<Object> {
    current()?.denied.lock().unwrap_or_else(PoisonError::into_inner).take()
}
