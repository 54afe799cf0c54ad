//! What replies share in the OpenAPI document: their headers, and one response a status of refusal, with an example of each of
//! its codes. The texts come from the errors themselves; a test compares the codes with `docs/problems.md`.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Schema};

use crate::features::admin::store::OWN_ACCOUNT;
use crate::features::customers::store::HAS_INVOICES;
use crate::features::invoices::model::StepRefused;
use crate::features::users::store::LAST_ADMINISTRATOR;
use crate::http::error::{ApiError, Face};
use crate::http::idempotency::KEY_IN_USE;
use crate::http::problem::PROBLEM_JSON;
use crate::security::row_quotas::QUOTA_EXCEEDED;

/// The label that CORS puts on replies.
pub(super) const ORIGIN_LABEL: &str = "Access-Control-Allow-Origin";

/// The name of a status's response among the components.
pub(super) fn name(status: u16) -> String {
    format!("Refused{status}")
}

/// The headers that replies refer to.
pub(super) fn headers() -> [(&'static str, Header); 4] {
    let text = |pattern: &str, example: &str, about: &str| {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).max_length(Some(100));
        HeaderBuilder::new().schema(Some(schema)).example(Some(example.into())).description(Some(about)).build()
    };
    let int32 = SchemaFormat::KnownFormat(KnownFormat::Int32);
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).format(Some(int32));
    let seconds = seconds.minimum(Some(1)).maximum(Some(86_400));
    let retry = HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds until it is worth trying."));
    [
        ("ETag", text("^\"[0-9]+(-[0-9]+)*\"$", "\"1\"", "Its version, for If-Match or If-None-Match.")),
        ("Location", text("^/api/v1/", "/api/v1/customers/c0000000-0000-4000-8000-000000000001", "Where it is.")),
        ("Retry-After", retry.example(Some(1.into())).build()),
        (ORIGIN_LABEL, text("^https?://", "https://app.example", "Only for a listed origin, and it alone.")),
    ]
}

/// A reference to one of them.
pub(super) fn header(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// Every response that an operation can refer to, by its status.
pub(super) fn responses() -> BTreeMap<u16, Response> {
    let mut by_status: BTreeMap<u16, Vec<Face>> = BTreeMap::new();
    for face in faces() {
        by_status.entry(face.status.as_u16()).or_default().push(face);
    }
    by_status.into_iter().map(|(status, faces)| (status, response(status, &faces))).collect()
}

/// Every code that a reply of the API can have.
pub fn codes() -> impl Iterator<Item = &'static str> {
    faces().map(|face| face.code).chain([ApiError::MethodNotAllowed.face().code])
}

fn faces() -> impl Iterator<Item = Face> {
    // No operation has it: it is the answer where there is none.
    let plain = ApiError::plain().into_iter().filter(|error| !matches!(error, ApiError::MethodNotAllowed));
    let ours = [HAS_INVOICES, KEY_IN_USE, QUOTA_EXCEEDED, OWN_ACCOUNT, LAST_ADMINISTRATOR];
    let conflicts = StepRefused::ALL.map(StepRefused::face).into_iter().chain(ours);
    let conflicts = conflicts.map(|(code, title)| ApiError::Conflict { code, title });
    plain.chain(conflicts).map(|error| error.face())
}

fn response(status: u16, faces: &[Face]) -> Response {
    let titles: Vec<&str> = faces.iter().map(|face| face.title).collect();
    let schema = RefOr::<Schema>::Ref(Ref::from_schema_name("Problem"));
    let examples = faces.iter().map(|face| (face.code, RefOr::T(example(face))));
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build();
    let mut response = ResponseBuilder::new().description(titles.join(". ") + ".").content(PROBLEM_JSON, content);
    if matches!(status, 429 | 503) {
        for name in ["Retry-After", ORIGIN_LABEL] {
            response = response.header_ref(name, header(name));
        }
    }
    response.build()
}

fn example(face: &Face) -> utoipa::openapi::example::Example {
    let mut problem = json!({
        "type": format!("/problems#{}", face.code), "title": face.title, "status": face.status.as_u16(),
        "code": face.code, "request_id": "0f5e5a3c-2f0b-4b7e-9a39-5b8f4f1f7c11"
    });
    if face.code == "invalid_input"
        && let Some(problem) = problem.as_object_mut()
    {
        problem.insert("errors".to_owned(), json!([{"pointer": "/limit", "message": "must be 1 to 100"}]));
    }
    ExampleBuilder::new().summary(face.title).value(Some(problem)).build()
}
