//! Checks that the OpenAPI document lists each refusal that a test receives.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::Value;
use strongroom::app::openapi;

use super::client::Reply;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&openapi::text().unwrap()).unwrap());

/// Returns the path of the document that matches. A path without an id takes precedence, so `export` in
/// `/invoices/export` is not an id.
fn template(path: &str) -> Option<&'static str> {
    let fits = |template: &str| {
        let (mut expected, mut actual) = (template.split('/'), path.split('/'));
        loop {
            match (expected.next(), actual.next()) {
                (None, None) => return true,
                (Some(one), Some(other)) if one == other || (one == "{id}" && !other.is_empty()) => {}
                _ => return false,
            }
        }
    };
    let templates = DOCUMENT["paths"].as_object().unwrap().keys().map(String::as_str);
    templates.filter(|template| fits(template)).min_by_key(|template| template.contains('{'))
}

/// Returns the problem codes that an operation lists for a status.
fn codes(operation: &Value, status: &str) -> Vec<String> {
    let Some(reference) = operation["responses"][status]["$ref"].as_str() else { return Vec::new() };
    let response = DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap();
    response["content"]["application/problem+json"]["examples"].as_object().unwrap().keys().cloned().collect()
}

/// Asserts that the operation lists this refusal. The document does not list refusals of requests that contradict it:
/// requests with an unknown path or method, and a body for an operation without one.
pub fn assert_documented(method: &Method, path: &str, reply: &Reply) {
    let Some(template) = template(path) else { return };
    let operation = &DOCUMENT["paths"][template][method.as_str().to_lowercase()];
    if operation.is_null() {
        return;
    }
    let (status, code) = (reply.status.as_str().to_owned(), reply.json()["code"].as_str().unwrap().to_owned());
    let is_excused = match code.as_str() {
        // A method in lower case is another method, which the route refuses.
        "method_not_allowed" => true,
        "payload_too_large" => operation["requestBody"].is_null(),
        _ => false,
    };
    let listed = codes(operation, &status);
    assert!(is_excused || listed.contains(&code), "{method} {template} replies {status} {code}, but lists {listed:?}");
}
