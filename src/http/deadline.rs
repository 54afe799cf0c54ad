//! No request waits for ever: when a part that we depend on hangs without closing its connection, the client still gets
//! its 503. Slow request bodies have their own, shorter limit (`security/body_limits.rs`).

use std::time::Duration;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use super::error::ApiError;

/// From the request's head to the reply's head.
pub const REPLY_WITHIN: Duration = Duration::from_secs(20);

/// The middleware.
///
/// # Errors
/// [`ApiError::Unavailable`] after [`REPLY_WITHIN`].
pub async fn enforce<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    tokio::time::timeout(REPLY_WITHIN, next.call(request))
        .await
        .unwrap_or_else(|_| Err(ApiError::unavailable(5, "deadline passed").into()))
}
