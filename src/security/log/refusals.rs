//! Every refusal leaves its event, in one place: no handler can forget it (S67).
//!
//! Refusals that know more about themselves (a failed sign-in, a reused token) record their own event where it happens; what
//! is here is the rest.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};

use super::event::{Event, EventKind};
use crate::http::error::ApiError;
use crate::security::caller::Caller;

/// The middleware.
///
/// # Errors
/// What the rest returns.
pub async fn record<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let reply = next.call(request).await;
    match &reply {
        Ok(reply) => {
            let caller = reply.request().extensions().get::<Caller>().cloned();
            let status = reply.status();
            let error = reply.response().error().and_then(|error| error.as_error::<ApiError>());
            let of_status = (error.is_none() && status.is_client_error()).then(|| ApiError::of_status(status));
            if let Some(error) = error.or(of_status.as_ref()) {
                tell(error, caller.as_ref());
            }
        }
        Err(error) => {
            if let Some(error) = error.as_error::<ApiError>() {
                tell(error, None);
            }
        }
    }
    reply
}

fn tell(error: &ApiError, caller: Option<&Caller>) {
    let Some((kind, reason)) = event_of(error) else { return };
    let mut event = Event::new(kind).reason(reason);
    if let Some(caller) = caller {
        event = event.user(caller.user()).session(caller.session());
    }
    event.record();
}

/// Which event a refusal is. `None`: it has recorded its own, or is no abuse.
fn event_of(error: &ApiError) -> Option<(EventKind, &'static str)> {
    let reason = error.face().code;
    let kind = match error {
        ApiError::NotJson | ApiError::Invalid(_) | ApiError::PayloadTooLarge | ApiError::UnsupportedMediaType => {
            EventKind::InputValidationFail
        }
        ApiError::Forbidden | ApiError::NotFound | ApiError::MethodNotAllowed | ApiError::CrossSiteRequest => {
            EventKind::AuthzFail
        }
        ApiError::Conflict { .. } | ApiError::KeyReused => EventKind::SequenceFail,
        ApiError::OriginNotAllowed => EventKind::MaliciousCors,
        ApiError::TooManyRequests { .. } => EventKind::ExcessRateLimitExceeded,
        ApiError::Unauthenticated
        | ApiError::InvalidCredentials
        | ApiError::HttpsRequired
        | ApiError::BodyTimeout
        | ApiError::PreconditionFailed
        | ApiError::PreconditionRequired
        | ApiError::Unavailable { .. }
        | ApiError::Internal(_) => return None,
    };
    Some((kind, reason))
}
