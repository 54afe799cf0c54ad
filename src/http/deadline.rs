//! Request deadline (CWE-400, API4:2023).
//!
//! **Attack**: requests that wait for a slow dependency, and hold memory and connections while they wait.
//! **Control**: a request receives 503 if its handler has not replied within 20 s (a setting).
//! A slow body has a shorter limit of its own (`security/limits/body_limits.rs`).
//! During an upload, each received chunk of the body restarts the 20 s. So a long upload is not aborted.
//! **Limits**: work that blocks a thread is not interrupted. `security/limits/concurrency_limits.rs` limits such work.
//! **ASVS**: 13.2.6, 15.2.2 · **Test**: `attacks::error_handling::failures`

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use tokio::time::{Instant, timeout_at};

use super::error::ApiError;

/// Maximum time from the head of a request to the head of its reply.
#[derive(Clone, Copy)]
pub struct ReplyTimeout(pub Duration);

#[derive(Clone)]
pub struct Deadline {
    end: Rc<Cell<Instant>>,
    timeout: Duration,
}

impl Deadline {
    #[must_use]
    pub fn of(request: &ServiceRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// Restarts the timeout. Uploads call this for each received chunk of the body.
    pub fn extend(&self) {
        self.end.set(Instant::now() + self.timeout);
    }
}

/// Middleware that aborts a request at its deadline.
///
/// # Errors
/// [`ApiError::Unavailable`] if the deadline has passed.
pub async fn enforce<B: MessageBody>(
    timeout: Data<ReplyTimeout>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let timeout = timeout.0;
    let deadline = Deadline { end: Rc::new(Cell::new(Instant::now() + timeout)), timeout };
    request.extensions_mut().insert(deadline.clone());
    let mut reply = pin!(next.call(request));
    loop {
        let end = deadline.end.get();
        match timeout_at(end, &mut reply).await {
            Ok(reply) => return reply,
            Err(_) if deadline.end.get() > end => {}
            Err(_) => return Err(ApiError::unavailable(5, "request timed out").into()),
        }
    }
}
