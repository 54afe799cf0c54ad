//! CORS: an exact list of allowed origins (CWE-942, API8:2023).
//!
//! **Attack**: a page of another site calls the API in the victim's browser.
//! **Control**: actix-cors refuses requests of all origins that are not in a list of allowed origins.
//! Without the option `block_on_origin_mismatch`, actix-cors would run the handler for every origin and only omit the
//! CORS headers of the response.
//! Browsers add an `Origin` to each cross-origin request. A request without `Origin` is accepted, but still needs a
//! token.
//! Routes that accept a cookie have an additional check (`csrf.rs`).
//! **Limits**: only browsers respect CORS, so CORS does not replace access control.
//! **ASVS**: 3.4.2, 3.5.2 · **Test**: `attacks::browser::cors`

use actix_cors::{Cors, CorsError};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};

use crate::http::error::ApiError;
use crate::security::browser::AllowedOrigins;
use crate::security::browser::csrf::CSRF_HEADER;

pub fn layer(origins: &AllowedOrigins) -> Cors {
    origins
        .0
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            header::IF_RANGE,
            header::RANGE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static(CSRF_HEADER),
        ])
        .expose_headers([
            header::ACCEPT_RANGES,
            header::CONTENT_DISPOSITION,
            header::CONTENT_RANGE,
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
        ])
        .supports_credentials()
        .max_age(3600)
        .block_on_origin_mismatch(true)
}

/// Sorts the lists in the CORS headers. actix-cors stores each list in a hash set, whose order would reveal which
/// worker thread answered.
fn sort_lists(headers: &mut HeaderMap) {
    for name in [
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        header::ACCESS_CONTROL_ALLOW_METHODS,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
    ] {
        let Some(list) = headers.get(&name).and_then(|list| list.to_str().ok()) else { continue };
        let mut entries: Vec<&str> = list.split(',').map(str::trim).collect();
        entries.sort_unstable();
        if let Ok(sorted) = HeaderValue::from_str(&entries.join(", ")) {
            headers.insert(name, sorted);
        }
    }
}

/// Middleware around [`layer`]: turns refusals of actix-cors into problem details (RFC 9457).
/// Requests with several `Origin` headers are refused too, because actix-cors checks only the first one.
pub async fn refuse_as_problem<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if request.headers().get_all(header::ORIGIN).count() > 1 {
        return Ok(request.error_response(ApiError::OriginNotAllowed).map_into_right_body());
    }
    let mut reply = next.call(request).await?;
    sort_lists(reply.headers_mut());
    let refused = reply.response().error().is_some_and(|error| error.as_error::<CorsError>().is_some());
    if !refused {
        return Ok(reply.map_into_left_body());
    }
    let mut refusal = HttpResponse::from_error(ApiError::OriginNotAllowed);
    // `Vary` keeps shared caches from sending this response to other origins.
    refusal.headers_mut().insert(header::VARY, HeaderValue::from_static("origin"));
    Ok(reply.into_response(refusal).map_into_right_body())
}
