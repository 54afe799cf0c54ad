//! Records an event for every refused request. One middleware does this, so that no handler can forget it.
//!
//! If an event needs more details (for example for a failed login), the code that refuses the request records it.
//! Some responses are not abuse and cause no event: a slow body (408), a stale or missing version (412, 428), and an
//! overloaded service (503).

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use super::context;
use super::event::{Event, EventKind};
use super::objects::{Object, ObjectKind};
use crate::base::id::parse;
use crate::http::error::ApiError;
use crate::http::matched_route::MatchedRoute;

/// Maps a route to the kind of the object whose id is the `{id}` in the path.
pub type KindOfRoute = fn(&str) -> Option<ObjectKind>;

pub async fn record<B: MessageBody>(
    kind_of_route: KindOfRoute,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let reply = next.call(request).await;
    match &reply {
        Ok(reply) => {
            let status = reply.status();
            let error = reply.response().error().and_then(|error| error.as_error::<ApiError>());
            let of_status = (error.is_none() && status.is_client_error()).then(|| ApiError::from_status(status));
            if let Some(error) = error.or(of_status.as_ref()) {
                record_refusal(error, in_path(kind_of_route, reply));
            }
        }
        Err(error) => {
            if let Some(error) = error.as_error::<ApiError>() {
                record_refusal(error, None);
            }
        }
    }
    reply
}

enum NamedObject {
    Object(Object),
    /// The id is not a UUID. Honest clients never send such an id, but an attacker who enumerates 1, 2, 3 does.
    MalformedId,
}

fn in_path<B>(kind_of_route: KindOfRoute, reply: &ServiceResponse<B>) -> Option<NamedObject> {
    let kind = kind_of_route(MatchedRoute::of(reply.request()).known()?)?;
    let id = parse(reply.request().match_info().get("id")?);
    Some(id.map_or(NamedObject::MalformedId, |id| NamedObject::Object(Object { kind, id })))
}

fn record_refusal(error: &ApiError, in_path: Option<NamedObject>) {
    let denied = context::take_denied_object().map(NamedObject::Object);
    let Some((kind, reason)) = event_of(error) else { return };
    // A 404 may hide an object of another user, so its event names the object. Other refusals are not about the object.
    match denied.or(in_path.filter(|_| matches!(error, ApiError::NotFound))) {
        Some(NamedObject::Object(object)) => Event::new(kind).reason(reason).object(object).record(),
        Some(NamedObject::MalformedId) => Event::new(kind).reason("malformed_id").record(),
        None => Event::new(kind).reason(reason).record(),
    }
}

/// Returns the kind and reason of the event for a refusal.
/// Returns `None` if the code that refuses the request records the event, or if the refusal is not abuse.
fn event_of(error: &ApiError) -> Option<(EventKind, &'static str)> {
    let reason = error.public().code;
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
        ApiError::Conflict { .. } | ApiError::IdempotencyKeyReused => EventKind::SequenceFail,
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
