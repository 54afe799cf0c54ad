//! Whether the OpenAPI document lists what was refused. Every refusal of every test passes here, so an operation that answers with
//! a code that it does not list fails the test that saw it.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::Value;
use strongroom::app::openapi;

use super::client::Reply;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&openapi::text().unwrap()).unwrap());

/// The path of the document that this path is on. One without an id wins: `/invoices/export` is no invoice.
fn template(path: &str) -> Option<&'static str> {
    let fits = |template: &str| {
        let (mut wanted, mut given) = (template.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(one), Some(other)) if one == other || (one == "{id}" && !other.is_empty()) => {}
                _ => return false,
            }
        }
    };
    let templates = DOCUMENT["paths"].as_object().unwrap().keys().map(String::as_str);
    templates.filter(|template| fits(template)).min_by_key(|template| template.contains('{'))
}

/// The codes that this operation lists for this status.
fn codes(operation: &Value, status: &str) -> Vec<String> {
    let Some(reference) = operation["responses"][status]["$ref"].as_str() else { return Vec::new() };
    let response = DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap();
    response["content"]["application/problem+json"]["examples"].as_object().unwrap().keys().cloned().collect()
}

/// Fails if the operation of this request does not list this refusal. Excused is what a request gets that does not follow the
/// document: an unknown path or method, and a body where none is documented.
pub fn check(method: &Method, path: &str, reply: &Reply) {
    let Some(template) = template(path) else { return };
    let operation = &DOCUMENT["paths"][template][method.as_str().to_lowercase()];
    if operation.is_null() {
        return;
    }
    let (status, code) = (reply.status.as_str().to_owned(), reply.json()["code"].as_str().unwrap().to_owned());
    let is_excused = match code.as_str() {
        // Methods are case-sensitive.
        "method_not_allowed" => true,
        "payload_too_large" => operation["requestBody"].is_null(),
        _ => false,
    };
    let listed = codes(operation, &status);
    assert!(is_excused || listed.contains(&code), "{method} {template} answers {status} {code} and lists {listed:?}");
}
