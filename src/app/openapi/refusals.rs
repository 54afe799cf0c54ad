//! What each operation refuses, with its codes: derived from the columns of its row, by which the layers refuse too, and from
//! what the row adds for its feature ([`Docs::refuses`](crate::app::docs::Docs::refuses)).
//!
//! Listed is what a client can meet whose request follows the document. A body where none is documented (413) and another
//! method (405) are refused everywhere and listed nowhere. The client of the tests compares every refusal with this list.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Schema};

use super::headers::{ORIGIN_LABEL, header};
use super::parameters::writes_version;
use crate::app::routes::{Access, Endpoint, table};
use crate::http::body::JSON;
use crate::http::error::{ApiError, Face, FieldFault};
use crate::http::form::FORM;
use crate::http::idempotency::KEY_IN_USE;
use crate::http::problem::{PROBLEM_JSON, ProblemField, fields};
use crate::security::limits::body_limits::BodyLimit;
use crate::security::limits::rate_limits::Tier;

/// The refusals of one operation that have the same status.
pub(super) struct Refusals {
    pub(super) status: u16,
    /// With what each says of single fields.
    faces: BTreeMap<Face, Vec<ProblemField>>,
    /// What the operation takes. Operations that take something else refuse fields with other words.
    takes: &'static str,
}

/// The refusals of this operation, by status.
pub(super) fn of(endpoint: &Endpoint) -> Vec<Refusals> {
    let takes = match endpoint.body {
        BodyLimit::Json(_) => "json",
        BodyLimit::Form(_) => "form",
        BodyLimit::None if endpoint.docs.takes_query() => "query",
        BodyLimit::None => "no_query",
    };
    let mut by_status: BTreeMap<u16, BTreeMap<Face, Vec<ProblemField>>> = BTreeMap::new();
    let of_row = from_row(endpoint).into_iter().map(|error| (error.face(), fields(&error)));
    for (face, fields) in of_row.chain(endpoint.docs.refuses.iter().map(|face| (*face, Vec::new()))) {
        by_status.entry(face.status.as_u16()).or_default().insert(face, fields);
    }
    by_status.into_iter().map(|(status, faces)| Refusals { status, faces, takes }).collect()
}

/// Every code that a reply of the API can have.
pub fn codes() -> impl Iterator<Item = &'static str> {
    let mut codes: BTreeSet<&str> = ApiError::plain().iter().map(|error| error.face().code).collect();
    for refusals in table().iter().flat_map(of) {
        codes.extend(refusals.codes());
    }
    codes.into_iter()
}

/// What follows from the columns of the row.
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
        BodyLimit::None if !endpoint.docs.takes_query() => ApiError::invalid("", "this path takes no query"),
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
    if endpoint.docs.keyed {
        errors.extend([KEY_IN_USE, ApiError::KeyReused]);
    }
    if writes_version(endpoint) {
        errors.extend([ApiError::PreconditionRequired, ApiError::PreconditionFailed]);
    }
    if endpoint.docs.in_parts {
        errors.push(ApiError::RangeNotSatisfiable { length: 0 });
    }
    errors
}

impl Refusals {
    /// The name of their response among the components: operations that refuse alike share it.
    pub(super) fn name(&self) -> String {
        let codes = self.codes().collect::<Vec<_>>().join("-");
        if self.faces.values().all(Vec::is_empty) { codes } else { format!("{codes}.{}", self.takes) }
    }

    pub(super) fn codes(&self) -> impl Iterator<Item = &'static str> {
        self.faces.keys().map(|face| face.code)
    }

    /// With an example of each code.
    pub(super) fn response(&self) -> Response {
        let titles: Vec<&str> = self.faces.keys().map(|face| face.title).collect();
        let schema = RefOr::<Schema>::Ref(Ref::from_schema_name("Problem"));
        let examples = self.faces.iter().map(|(face, fields)| (face.code, RefOr::T(example(face, fields))));
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

fn example(face: &Face, fields: &[ProblemField]) -> Example {
    let mut problem = json!({
        "type": format!("/problems#{}", face.code), "title": face.title, "status": face.status.as_u16(),
        "code": face.code, "request_id": "0f5e5a3c-2f0b-4b7e-9a39-5b8f4f1f7c11"
    });
    if let Some(problem) = problem.as_object_mut().filter(|_| !fields.is_empty()) {
        problem.insert("errors".to_owned(), json!(fields));
    }
    ExampleBuilder::new().summary(face.title).value(Some(problem)).build()
}
