//! CORS: an exact list of allowed origins (CWE-942, API8:2023).
//!
//! **Attack**: a page of another site calls the API in the victim's browser.
//! **Control**: actix-cors with an allow-list and `block_on_origin_mismatch`. By default, actix-cors runs the handler for any origin
//! and only leaves out the response headers. A request without `Origin` is no cross-origin call of a browser. It is accepted here,
//! because it needs a token anyway; cookie routes require more (`csrf.rs`).
//! **Limits**: clients that are not browsers. CORS is not access control.
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

/// Builds the CORS middleware.
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

/// Sorts the lists. actix-cors keeps them in hash sets, whose order differs in each worker and would reveal which one answered.
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

/// The middleware around [`layer`]. Turns its refusals into problem details, and refuses several `Origin` headers, of which
/// actix-cors would check the first only.
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
    // A shared cache must not serve this response to another origin.
    refusal.headers_mut().insert(header::VARY, HeaderValue::from_static("origin"));
    Ok(reply.into_response(refusal).map_into_right_body())
}
