//! Counts requests by matched route. The requested path is never a label: each new path would add a time series.

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

/// Middleware that counts requests by status, and refusals by problem code, and measures durations.
pub async fn count<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let Some(metrics) = request.app_data::<Data<Metrics>>().cloned() else { return next.call(request).await };
    let meter = metrics.requests.for_route(request.method().as_str(), MatchedRoute::of(request.request()).known());
    let exhaustion = request.app_data::<Data<Exhaustion>>().cloned();
    let _running = metrics.requests.start();
    let started = Instant::now();
    let reply = next.call(request).await;
    let (status, error) = match &reply {
        Ok(reply) => (reply.status(), reply.response().error()),
        // Response mappers of inner middleware may change the status, so build the response.
        Err(error) => (error.error_response().status(), Some(error)),
    };
    meter.record(status.as_u16(), started.elapsed());
    if status.is_client_error() || status.is_server_error() {
        ApiError::resolve(error, status, |error| {
            metrics.requests.count_refusal(error.public().code);
            if let (ApiError::Unavailable { exhausted: true, .. }, Some(exhaustion)) = (error, exhaustion) {
                exhaustion.record();
            }
        });
    }
    reply
}
