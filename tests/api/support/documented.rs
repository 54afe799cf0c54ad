//! Checks that the OpenAPI document lists each refusal that a test receives.
//! The tests also write these refusals into the file that `RECEIVED_REFUSALS` names.
//! `contract::refusals` reads this file and checks the opposite: a test receives each listed refusal.

use std::fs::File;
use std::io::Write;
use std::sync::LazyLock;

use reqwest::Method;
use serde_json::Value;
use strongroom::app::openapi;

use super::reply::Reply;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&openapi::text().unwrap()).unwrap());

/// Returns method and path of all operations.
pub fn operations() -> impl Iterator<Item = (String, &'static str)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.as_str()))
    })
}

/// Returns whether any schema of the OpenAPI document has a property with this name, for example `customer_id`.
pub fn has_property(name: &str) -> bool {
    let mut schemas = DOCUMENT["components"]["schemas"].as_object().unwrap().values();
    schemas.any(|schema| schema["properties"].get(name).is_some())
}

pub fn all_codes(method: &str, path: &str) -> Vec<String> {
    let operation = &DOCUMENT["paths"][path][method.to_lowercase()];
    let statuses = operation["responses"].as_object().unwrap().keys();
    statuses.filter(|status| status.as_str() >= "400").flat_map(|status| codes(operation, status)).collect()
}

/// Returns the path of the document that matches a request path. If several paths match, it returns the path with the
/// fewest parameters. So the `export` in `/invoices/export` is no id.
fn template(path: &str) -> Option<&'static str> {
    let fits = |template: &str| {
        let (mut expected, mut actual) = (template.split('/'), path.split('/'));
        loop {
            match (expected.next(), actual.next()) {
                (None, None) => return true,
                (Some(one), Some(other)) if one == other || (one.starts_with('{') && !other.is_empty()) => {}
                _ => return false,
            }
        }
    };
    let templates = DOCUMENT["paths"].as_object().unwrap().keys().map(String::as_str);
    templates.filter(|template| fits(template)).min_by_key(|template| template.matches('{').count())
}

fn codes(operation: &Value, status: &str) -> Vec<String> {
    let Some(reference) = operation["responses"][status]["$ref"].as_str() else { return Vec::new() };
    let response = DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap();
    response["content"]["application/problem+json"]["examples"].as_object().unwrap().keys().cloned().collect()
}

/// Asserts that the operation lists this refusal. Requests that contradict the document are exempt: an unknown path, an
/// unknown method, or a body for an operation without a body.
pub fn assert_documented(method: &Method, path: &str, reply: &Reply) {
    let Some(template) = template(path) else { return };
    let operation = &DOCUMENT["paths"][template][method.as_str().to_lowercase()];
    if operation.is_null() {
        return;
    }
    let (status, code) = (reply.status.as_str().to_owned(), reply.json()["code"].as_str().unwrap().to_owned());
    let is_excused = match code.as_str() {
        // HTTP methods are case-sensitive: the service refuses `get`, but the document lists GET.
        "method_not_allowed" => true,
        "payload_too_large" => operation["requestBody"].is_null(),
        _ => false,
    };
    let listed = codes(operation, &status);
    record(&format!("{method} {template} {code}"));
    assert!(is_excused || listed.contains(&code), "{method} {template} replies {status} {code}, but lists {listed:?}");
}

/// Appends a refusal to the file `RECEIVED_REFUSALS`.
fn record(refusal: &str) {
    static FILE: LazyLock<Option<File>> = LazyLock::new(|| {
        let path = std::env::var_os("RECEIVED_REFUSALS")?;
        Some(File::options().create(true).append(true).open(path).unwrap())
    });
    if let Some(mut file) = FILE.as_ref() {
        file.write_all(format!("{refusal}\n").as_bytes()).unwrap();
    }
}
