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

/// 201: where the new object is, its version and the object.
pub fn created(location: &str, version: i64, view: &impl Serialize) -> HttpResponse {
    HttpResponse::Created()
        .insert_header((header::LOCATION, location))
        .insert_header((header::ETAG, etag(version)))
        .json(view)
}

/// 201 for what has no version, since it never changes: where such things are, and this one.
pub fn added(location: &str, view: &impl Serialize) -> HttpResponse {
    HttpResponse::Created().insert_header((header::LOCATION, location)).json(view)
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
