//! The error responses of each operation. Most errors follow from its row in the route table.
//! Each feature adds the errors that only its endpoints can return ([`Docs`](crate::http::signature::Docs)).
//!
//! The introduction of the document describes 405 (unsupported method) and 413 for an unexpected body, because all
//! operations return them. So the operations do not list these two errors.
//! The HTTP client of the tests compares every refusal with this list.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Schema};

use super::headers::{ORIGIN_LABEL, header};
use crate::app::routes::{Access, Endpoint, table};
use crate::http::body::JSON;
use crate::http::error::{ApiError, FieldFault, PublicError};
use crate::http::form::FORM;
use crate::http::idempotency::KEY_IN_USE;
use crate::http::problem::{PROBLEM_JSON, ProblemField, fields};
use crate::security::limits::body_limits::BodyLimit;
use crate::security::limits::rate_limits::Tier;

/// The errors of an operation that have the same status.
pub(super) struct Refusals {
    pub(super) status: u16,
    /// Each error with the invalid fields that its example shows.
    errors: BTreeMap<PublicError, Vec<ProblemField>>,
    /// What the operation reads, for example a JSON body. It determines the invalid fields of the examples.
    takes: &'static str,
}

pub(super) fn of(endpoint: &Endpoint) -> Vec<Refusals> {
    let takes = match endpoint.body {
        BodyLimit::Json(_) => "json",
        BodyLimit::Form(_) => "form",
        BodyLimit::None if endpoint.signature.takes_query() => "query",
        BodyLimit::None => "no_query",
    };
    let mut by_status: BTreeMap<u16, BTreeMap<PublicError, Vec<ProblemField>>> = BTreeMap::new();
    let of_row = from_row(endpoint).into_iter().map(|error| (error.public(), fields(&error)));
    for (error, fields) in of_row.chain(endpoint.docs.errors.iter().map(|error| (error.public(), Vec::new()))) {
        by_status.entry(error.status.as_u16()).or_default().insert(error, fields);
    }
    by_status.into_iter().map(|(status, errors)| Refusals { status, errors, takes }).collect()
}

pub fn codes() -> impl Iterator<Item = &'static str> {
    let mut codes: BTreeSet<&str> = ApiError::one_of_each().iter().map(|error| error.public().code).collect();
    for refusals in table().iter().flat_map(of) {
        codes.extend(refusals.codes());
    }
    codes.into_iter()
}

/// Returns the errors that follow from the row of the route table.
fn from_row(endpoint: &Endpoint) -> Vec<ApiError> {
    let mut errors =
        vec![ApiError::HttpsRequired, ApiError::OriginNotAllowed, ApiError::unavailable(1, ""), ApiError::internal("")];
    if endpoint.tier != Tier::Unlimited {
        errors.push(ApiError::TooManyRequests { retry_after: 1, challenge: None });
    }
    match endpoint.access {
        Access::Public | Access::Ticket => {}
        Access::SignedIn => errors.push(ApiError::Unauthenticated),
        Access::Admin => errors.extend([ApiError::Unauthenticated, ApiError::Forbidden]),
        Access::Cookie | Access::TokenOrCookie => {
            errors.extend([ApiError::Unauthenticated, ApiError::CrossSiteRequest])
        }
    }
    if endpoint.path.contains("{id}") {
        errors.push(ApiError::NotFound);
    }
    errors.push(match endpoint.body {
        BodyLimit::None if !endpoint.signature.takes_query() => ApiError::invalid("", "this path takes no query"),
        _ => ApiError::invalid("/isAdmin", "is not a known field"),
    });
    if endpoint.body != BodyLimit::None {
        errors.extend([ApiError::PayloadTooLarge, ApiError::BodyTimeout]);
    }
    match endpoint.body {
        BodyLimit::None => {}
        BodyLimit::Json(_) => {
            let fault = FieldFault::new("", "is not JSON at line 1, column 2");
            errors.extend([ApiError::NotJson(Some(fault)), ApiError::UnsupportedMediaType(JSON)]);
        }
        BodyLimit::Form(_) => errors.push(ApiError::UnsupportedMediaType(FORM)),
    }
    if endpoint.signature.idempotency_key {
        errors.extend([KEY_IN_USE, ApiError::IdempotencyKeyReused]);
    }
    if endpoint.signature.if_match {
        errors.extend([ApiError::PreconditionRequired, ApiError::PreconditionFailed]);
    }
    if endpoint.signature.ranges {
        errors.push(ApiError::RangeNotSatisfiable { length: 0 });
    }
    errors
}

impl Refusals {
    /// Returns the name of the response in the document. Operations with the same errors share one response.
    pub(super) fn name(&self) -> String {
        let codes = self.codes().collect::<Vec<_>>().join("-");
        if self.errors.values().all(Vec::is_empty) { codes } else { format!("{codes}.{}", self.takes) }
    }

    pub(super) fn codes(&self) -> impl Iterator<Item = &'static str> {
        self.errors.keys().map(|error| error.code)
    }

    /// Returns the response with one example for each problem code.
    pub(super) fn response(&self) -> Response {
        let titles: Vec<&str> = self.errors.keys().map(|error| error.title).collect();
        let schema = RefOr::<Schema>::Ref(Ref::from_schema_name("Problem"));
        let examples = self.errors.iter().map(|(error, fields)| (error.code, RefOr::T(example(error, fields))));
        let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build();
        let mut response = ResponseBuilder::new().description(titles.join(". ") + ".").content(PROBLEM_JSON, content);
        if matches!(self.status, 429 | 503) {
            for name in ["Retry-After", ORIGIN_LABEL] {
                response = response.header_ref(name, header(name));
            }
        }
        response.build()
    }
}

fn example(error: &PublicError, fields: &[ProblemField]) -> Example {
    let mut problem = json!({
        "type": format!("/problems#{}", error.code), "title": error.title, "status": error.status.as_u16(),
        "code": error.code, "request_id": "0f5e5a3c-2f0b-4b7e-9a39-5b8f4f1f7c11"
    });
    if let Some(problem) = problem.as_object_mut().filter(|_| !fields.is_empty()) {
        problem.insert("errors".to_owned(), json!(fields));
    }
    ExampleBuilder::new().summary(error.title).value(Some(problem)).build()
}
