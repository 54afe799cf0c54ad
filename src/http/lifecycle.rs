//! How a graceful shutdown treats requests.
//!
//! In the phase `Draining`, the service accepts connections, but its readiness is 503, so that load balancers choose
//! another replica. Each reply closes its connection, so that clients reconnect elsewhere.

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
    Serving,
    /// Requests are served, and each reply closes its connection.
    Draining,
    /// Running requests finish, and new ones are refused.
    Closing,
}

/// The current phase of this process. All clones share it.
#[derive(Clone, Debug)]
pub struct Lifecycle(watch::Sender<Phase>);

impl Default for Lifecycle {
    fn default() -> Self {
        Self(watch::Sender::new(Phase::Serving))
    }
}

impl Lifecycle {
    pub fn enter(&self, phase: Phase) {
        self.0.send_replace(phase);
    }

    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.0.borrow() > Phase::Serving
    }

    /// Waits for [`Phase::Closing`].
    pub async fn closing(&self) {
        // `wait_for` fails only after the sender was dropped. `self` holds the sender, so this call cannot fail.
        let _ = self.0.subscribe().wait_for(|phase| *phase == Phase::Closing).await;
    }
}

/// Middleware that closes the connection after each reply while the service shuts down.
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

/// Closes the connection after this reply. A WebSocket stays open until the service sends a close frame.
fn close<B>(reply: &mut HttpResponse<B>) {
    if !reply.head().upgrade() {
        reply.head_mut().set_connection_type(ConnectionType::Close);
    }
}
