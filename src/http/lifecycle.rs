//! How a graceful shutdown treats requests.
//!
//! Phase one, draining: the service still accepts connections.
//! Readiness is 503, so that load balancers choose another replica.
//! Each reply closes its connection, so that clients reconnect elsewhere.
//! Phase two, closing: the service refuses new connections.

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
    /// The service is not shutting down.
    Serving,
    /// Requests are served, and each reply closes its connection.
    Draining,
    /// Running requests finish, and new ones are refused.
    Closing,
}

/// The current phase of this process. All clones share the phase.
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
        // Waiting fails if there is no sender. This cannot happen, because `self` is a sender.
        let _ = self.0.subscribe().wait_for(|phase| *phase == Phase::Closing).await;
    }
}

/// Middleware that closes the connection after each reply while the service shuts down.
///
/// # Errors
/// Returns the error of the inner service. During a shutdown, the response to this error also closes the connection.
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

/// Closes the connection after this reply. A WebSocket stays open after its handshake; a close frame ends it later.
fn close<B>(reply: &mut HttpResponse<B>) {
    if !reply.head().upgrade() {
        reply.head_mut().set_connection_type(ConnectionType::Close);
    }
}
