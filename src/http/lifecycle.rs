//! Graceful shutdown, as requests see it.
//!
//! While the service drains, readiness is 503, so that load balancers choose another replica, and each reply closes its connection,
//! so that clients reconnect. Both happen before connections are refused.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use tokio::sync::watch;

/// The phase of a graceful shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// No shutdown.
    Serving,
    /// Requests are served; clients are asked to reconnect elsewhere.
    Draining,
    /// Running requests finish; new ones are refused.
    Closing,
}

/// The current phase of this process. Clones share it.
#[derive(Clone, Debug)]
pub struct Lifecycle(watch::Sender<Phase>);

impl Default for Lifecycle {
    fn default() -> Self {
        Self(watch::Sender::new(Phase::Serving))
    }
}

impl Lifecycle {
    /// Enters a phase.
    pub fn enter(&self, phase: Phase) {
        self.0.send_replace(phase);
    }

    /// Returns whether the service is shutting down.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.0.borrow() > Phase::Serving
    }

    /// Waits for [`Phase::Closing`].
    pub async fn closing(&self) {
        // The error cannot occur: `self` is a sender.
        let _ = self.0.subscribe().wait_for(|phase| *phase == Phase::Closing).await;
    }
}

/// Middleware that closes the connection after each reply while the service shuts down.
///
/// # Errors
/// Passes on what an inner middleware returned as `Err`; its response closes the connection too.
pub async fn close_connections<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let lifecycle = request.app_data::<Data<Lifecycle>>().cloned();
    let reply = next.call(request).await;
    if !lifecycle.is_some_and(|lifecycle| lifecycle.is_stopping()) {
        return reply;
    }
    match reply {
        Ok(mut reply) => {
            close(reply.response_mut());
            Ok(reply)
        }
        Err(mut error) => {
            error.add_response_mapper(|mut reply| {
                close(&mut reply);
                reply
            });
            Err(error)
        }
    }
}

/// A WebSocket handshake keeps its connection: a close frame ends it later.
fn close<B>(reply: &mut HttpResponse<B>) {
    if !reply.head().upgrade() {
        reply.head_mut().set_connection_type(ConnectionType::Close);
    }
}
