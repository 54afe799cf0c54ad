//! The context of security events: the request, its address and caller, and the recorder.
//! The context is a task-local variable. The recorder is a part of the context and not a global variable, because the
//! tests run many services in one process.
//!
//! A spawned task has no context, unless [`inherit`] passes it on.
//! Work outside of a request runs in [`background`].

use std::sync::{Arc, OnceLock};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use parking_lot::Mutex;
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

pub struct Context {
    pub recorder: Recorder,
    pub request: Option<Request>,
    caller: OnceLock<(UserId, SessionId)>,
    denied: Mutex<Option<Object>>,
}

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

    pub(super) fn background(recorder: &Recorder) -> Arc<Self> {
        Self::new(recorder.clone(), None)
    }

    /// Returns the authenticated caller, or `None` for an anonymous request.
    #[must_use]
    pub fn caller(&self) -> Option<(UserId, SessionId)> {
        self.caller.get().copied()
    }
}

/// Returns the context of this task. The events of a task without a context are only logged.
pub fn current() -> Option<Arc<Context>> {
    CONTEXT.try_with(Arc::clone).ok()
}

/// Middleware: runs the request in its context.
pub async fn enter<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let Some(recorder) = request.app_data::<Data<Recorder>>().map(|recorder| recorder.get_ref().clone()) else {
        return next.call(request).await;
    };
    // Read the address and the route before the id: reading them can write to the extensions of the request.
    // The id is borrowed from these extensions, and a write during the borrow would panic.
    let (address, route) = (ClientAddr::of(&request), MatchedRoute::of(request.request()));
    let facts = Request {
        id: request.extensions().get::<RequestId>().map(|id| Uuid::from(*id)),
        method: known_method(&request),
        route,
        address,
    };
    CONTEXT.scope(Context::new(recorder, Some(facts)), next.call(request)).await
}

/// Runs work that belongs to no request, for example at start-up, in a periodic clean-up or in a command.
pub async fn background<F: Future>(recorder: &Recorder, work: F) -> F::Output {
    CONTEXT.scope(Context::new(recorder.clone(), None), work).await
}

pub fn background_sync<T>(recorder: &Recorder, work: impl FnOnce() -> T) -> T {
    CONTEXT.sync_scope(Context::new(recorder.clone(), None), work)
}

/// Passes the context of this task to a task that outlives the request, for example the task of a WebSocket.
pub fn inherit<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let context = current();
    async {
        match context {
            Some(context) => CONTEXT.scope(context, work).await,
            None => work.await,
        }
    }
}

/// Sets the authenticated caller of the request. Only the first call has an effect, so a later ticket on the same
/// WebSocket cannot change the caller.
pub fn set_caller(user: UserId, session: SessionId) {
    if let Some(context) = current().filter(|context| context.request.is_some()) {
        let _ = context.caller.set((user, session));
    }
}

/// Sets the object to which access is about to be denied.
/// Call it only for an object whose id is not in the path of the request. `refusals` reads the other ids from the path.
pub fn set_denied_object(object: Object) {
    if let Some(context) = current() {
        *context.denied.lock() = Some(object);
    }
}

pub(super) fn take_denied_object() -> Option<Object> {
    current()?.denied.lock().take()
}
