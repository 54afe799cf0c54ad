//! No request waits for ever: when a part that we depend on hangs without closing its connection, the client still gets
//! its 503. Slow request bodies have their own, shorter limit (`security/limits/body_limits.rs`); a large one that keeps coming puts
//! the end off.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use tokio::time::{Instant, timeout_at};

use super::error::ApiError;

/// From the request's head, or from the last of a large body, to the reply's head.
pub const REPLY_WITHIN: Duration = Duration::from_secs(20);

/// When a request's time is over.
#[derive(Clone)]
pub struct Deadline(Rc<Cell<Instant>>);

impl Deadline {
    /// Of this request.
    #[must_use]
    pub fn of(request: &ServiceRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// Begins anew: something has come.
    pub fn put_off(&self) {
        self.0.set(Instant::now() + REPLY_WITHIN);
    }
}

/// The middleware.
///
/// # Errors
/// [`ApiError::Unavailable`] when its time is over.
pub async fn enforce<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let deadline = Deadline(Rc::new(Cell::new(Instant::now() + REPLY_WITHIN)));
    request.extensions_mut().insert(deadline.clone());
    let mut reply = pin!(next.call(request));
    loop {
        let end = deadline.0.get();
        match timeout_at(end, &mut reply).await {
            Ok(reply) => return reply,
            Err(_) if deadline.0.get() > end => {}
            Err(_) => return Err(ApiError::unavailable(5, "deadline passed").into()),
        }
    }
}
