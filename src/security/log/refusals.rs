//! Every refusal leaves its event, in one place: no handler can forget it (S67).
//!
//! Refusals that know more about themselves (a failed sign-in, a reused token) record their own event where it happens; what
//! is here is the rest.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use super::context;
use super::event::{Event, EventKind, Object, ObjectKind};
use crate::base::id::parse;
use crate::http::error::ApiError;
use crate::http::matched_route::MatchedRoute;

/// The middleware.
///
/// # Errors
/// What the rest returns.
pub async fn record<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let reply = next.call(request).await;
    match &reply {
        Ok(reply) => {
            let status = reply.status();
            let error = reply.response().error().and_then(|error| error.as_error::<ApiError>());
            let of_status = (error.is_none() && status.is_client_error()).then(|| ApiError::of_status(status));
            if let Some(error) = error.or(of_status.as_ref()) {
                tell(error, in_path(reply));
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

/// The object that the path names, if it is one. A malformed id names none.
fn in_path<B>(reply: &ServiceResponse<B>) -> Option<Object> {
    let kind = ObjectKind::of_route(MatchedRoute::of(reply.request()).known()?)?;
    let id = reply.request().match_info().get("id")?;
    Some(Object { kind, id: parse(id).ok()? })
}

fn tell(error: &ApiError, in_path: Option<Object>) {
    let named = context::denied();
    let Some((kind, reason)) = event_of(error) else { return };
    let event = Event::new(kind).reason(reason);
    // Only a refusal that may be about somebody else's object names it.
    let object = named.or(in_path.filter(|_| matches!(error, ApiError::NotFound)));
    match object {
        Some(object) => event.object(object).record(),
        None => event.record(),
    }
}

/// Which event a refusal is. `None`: it has recorded its own, or is no abuse.
fn event_of(error: &ApiError) -> Option<(EventKind, &'static str)> {
    let reason = error.face().code;
    let kind = match error {
        ApiError::NotJson
        | ApiError::Invalid(_)
        | ApiError::PayloadTooLarge
        | ApiError::RangeNotSatisfiable { .. }
        | ApiError::UnsupportedMediaType
        | ApiError::UpgradeRequired => EventKind::InputValidationFail,
        ApiError::Forbidden | ApiError::NotFound | ApiError::MethodNotAllowed | ApiError::CrossSiteRequest => {
            EventKind::AuthzFail
        }
        ApiError::Conflict { .. } | ApiError::KeyReused => EventKind::SequenceFail,
        ApiError::OriginNotAllowed => EventKind::MaliciousCors,
        ApiError::TooManyRequests { .. } => EventKind::ExcessRateLimitExceeded,
        ApiError::Internal(_) => EventKind::SysError,
        ApiError::Unauthenticated
        | ApiError::InvalidCredentials
        | ApiError::HttpsRequired
        | ApiError::BodyTimeout
        | ApiError::PreconditionFailed
        | ApiError::PreconditionRequired
        | ApiError::Unavailable { .. } => return None,
    };
    Some((kind, reason))
}
