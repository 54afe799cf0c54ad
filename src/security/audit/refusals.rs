//! A refusal leaves its event, in one place: no handler can forget it. Four leave none, since they are no abuse: a body that
//! came too slowly (408), a version that is old (412) or not named (428), and a service that is busy or partly down (503).
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

/// What a path names whose route is about one object.
enum Named {
    Object(Object),
    /// A text that is no id: no client of ours makes one, and whoever counts up from 1 makes nothing else.
    Nothing,
}

fn in_path<B>(reply: &ServiceResponse<B>) -> Option<Named> {
    let kind = ObjectKind::of_route(MatchedRoute::of(reply.request()).known()?)?;
    let id = parse(reply.request().match_info().get("id")?);
    Some(id.map_or(Named::Nothing, |id| Named::Object(Object { kind, id })))
}

fn tell(error: &ApiError, in_path: Option<Named>) {
    let denied = context::denied().map(Named::Object);
    let Some((kind, reason)) = event_of(error) else { return };
    // Only a refusal that may be about somebody else's object names it.
    match denied.or(in_path.filter(|_| matches!(error, ApiError::NotFound))) {
        Some(Named::Object(object)) => Event::new(kind).reason(reason).object(object).record(),
        Some(Named::Nothing) => Event::new(kind).reason("malformed_id").record(),
        None => Event::new(kind).reason(reason).record(),
    }
}

/// Which event a refusal is. `None`: it has recorded its own, or is no abuse.
fn event_of(error: &ApiError) -> Option<(EventKind, &'static str)> {
    let reason = error.face().code;
    let kind = match error {
        ApiError::NotJson(_)
        | ApiError::Invalid(_)
        | ApiError::PayloadTooLarge
        | ApiError::RangeNotSatisfiable { .. }
        | ApiError::UnsupportedMediaType(_)
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
