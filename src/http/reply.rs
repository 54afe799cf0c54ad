//! The few shapes that a success has.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;

use super::conditional::etag;

/// 200 with a body.
pub fn ok(view: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(view)
}

/// 200 with a body and the version to give back as `If-Match`.
pub fn ok_versioned(version: i64, view: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::ETAG, etag(version))).json(view)
}

/// 201 with a body, for what has no address of its own.
pub fn created(view: &impl Serialize) -> HttpResponse {
    HttpResponse::Created().json(view)
}

/// 202: taken, and nothing is told.
#[must_use]
pub fn accepted() -> HttpResponse {
    HttpResponse::Accepted().finish()
}

/// 204.
#[must_use]
pub fn no_content() -> HttpResponse {
    HttpResponse::new(StatusCode::NO_CONTENT)
}

/// 304: the client has this very version.
#[must_use]
pub fn not_modified(etag: &str) -> HttpResponse {
    HttpResponse::NotModified().insert_header((header::ETAG, etag)).finish()
}
