//! The forms of success replies.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;

use super::conditional::etag;

/// Returns 200 with a body.
pub fn ok(view: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(view)
}

/// Returns 200 with a body and the version as `ETag`.
pub fn ok_versioned(version: i64, view: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::ETAG, etag(version))).json(view)
}

/// Returns 201 with a body, for a resource without its own URL.
pub fn created(view: &impl Serialize) -> HttpResponse {
    HttpResponse::Created().json(view)
}

/// Returns 202 without a body, so that the reply does not reveal whether an account exists.
#[must_use]
pub fn accepted() -> HttpResponse {
    HttpResponse::Accepted().finish()
}

/// Returns 204.
#[must_use]
pub fn no_content() -> HttpResponse {
    HttpResponse::new(StatusCode::NO_CONTENT)
}

/// Returns 304: the client's copy is current.
#[must_use]
pub fn not_modified(etag: &str) -> HttpResponse {
    HttpResponse::NotModified().insert_header((header::ETAG, etag)).finish()
}
