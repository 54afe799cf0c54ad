//! Graceful shutdown as requests see it: a replica that is about to stop says so before it stops.
//!
//! While it drains, readiness is 503, so that load balancers choose another replica, and each reply closes its connection, so
//! that clients connect anew. Both take effect before any connection is refused.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use tokio::sync::watch;

/// How far the shutdown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Everything is served.
    Serving,
    /// Everything is served, and clients are asked to leave.
    Draining,
    /// Running requests finish, no other begins.
    Closing,
}

/// The phase of this process. Clones share it.
#[derive(Clone, Debug)]
pub struct Lifecycle(watch::Sender<Phase>);

impl Default for Lifecycle {
    fn default() -> Self {
        Self(watch::Sender::new(Phase::Serving))
    }
}

impl Lifecycle {
    /// Begins a phase.
    pub fn enter(&self, phase: Phase) {
        self.0.send_replace(phase);
    }

    /// Whether clients are asked to leave.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.0.borrow() > Phase::Serving
    }

    /// Waits until no further request may begin.
    pub async fn closing(&self) {
        // A sender exists as long as `self`.
        let _ = self.0.subscribe().wait_for(|phase| *phase == Phase::Closing).await;
    }
}

/// The middleware: while the service stops, each reply closes its connection.
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

/// A WebSocket's handshake keeps its connection: the socket is closed by a frame.
fn close<B>(reply: &mut HttpResponse<B>) {
    if !reply.head().upgrade() {
        reply.head_mut().set_connection_type(ConnectionType::Close);
    }
}
