//! Counts every request, whoever answers it: by the route that it matched, never by the path that was typed.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::error::ApiError;
use super::matched_route::MatchedRoute;
use crate::db::exhaustion::Exhaustion;
use crate::telemetry::metrics::Metrics;

/// The middleware.
///
/// # Errors
/// What the rest returns.
pub async fn count<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let Some(metrics) = request.app_data::<Data<Metrics>>().cloned() else { return next.call(request).await };
    let meter = metrics.requests.of(request.method().as_str(), MatchedRoute::of(request.request()).known());
    let exhaustion = request.app_data::<Data<Exhaustion>>().cloned();
    let _running = metrics.requests.running();
    let started = Instant::now();
    let reply = next.call(request).await;
    let (status, error) = match &reply {
        Ok(reply) => (reply.status(), reply.response().error().and_then(|error| error.as_error::<ApiError>())),
        // As it will be sent: with what the layers in between have made of it.
        Err(error) => (error.error_response().status(), error.as_error::<ApiError>()),
    };
    meter.answered(status.as_u16(), started.elapsed());
    if let (Some(ApiError::Unavailable { exhausted: true, .. }), Some(exhaustion)) = (error, exhaustion) {
        exhaustion.note();
    }
    if status.is_client_error() || status.is_server_error() {
        let of_status = ApiError::of_status(status);
        let error = error.unwrap_or(&of_status);
        metrics.requests.refused(error.face().code);
    }
    reply
}
