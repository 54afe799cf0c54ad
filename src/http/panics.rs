//! A panic in a handler or in an inner middleware is a 500 like any other. actix alone would close the connection without
//! an answer.

use std::panic::AssertUnwindSafe;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use futures_util::FutureExt;

use super::error::ApiError;

/// The middleware. What the panic said is in the log by the panic hook ([`crate::telemetry`]), never in the reply.
///
/// # Errors
/// [`ApiError::Internal`] when the rest panicked.
pub async fn catch<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    AssertUnwindSafe(next.call(request))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(ApiError::internal("panic, see the log line before").into()))
}
