//! A demo user sends the example of each operation in the OpenAPI document, and the request succeeds.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Map, Value};
use strongroom::app::openapi;
use strongroom::app::routes::table;

use crate::support::examples::{Demo, Example};
use crate::support::reply::Reply;

/// Operations whose example the test cannot send, and the reason.
const NOT_SENT: &[(&str, &str)] = &[
    ("post_auth_confirm", "the token is in a mail"),
    ("post_auth_password_reset_confirm", "the token is in a mail"),
    ("post_auth_refresh", "the cookie is in a browser"),
    ("delete_auth_sessions_id", "session ids are created by the login"),
    ("post_invoices_id_issue", "the issue date must be within the last 30 days"),
    ("get_live", "it is a WebSocket; see features::live"),
    ("get_console_version_style_css", "the version is the hash of the files; see features::console"),
    ("get_console_version_attacks_file", "the version is the hash of the files; see features::console"),
    ("get_console_version_file", "the version is the hash of the files; see features::console"),
    ("get_well_known_change_password", "it redirects (303); see features::well_known"),
    ("get_well_known_jwks_json", "404 while tokens are signed with a shared secret"),
];

fn document() -> Value {
    serde_json::from_str(&openapi::text().unwrap()).unwrap()
}

fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let rows = table().into_iter().map(|row| {
        let operation = document["paths"][row.path][row.method.as_str().to_lowercase()].clone();
        (Method::from_bytes(row.method.as_str().as_bytes()).unwrap(), row.path.to_owned(), operation)
    });
    rows.collect()
}

#[::core::prelude::v1::test]
fn all_parts_of_the_document_have_a_description_and_an_example() {
    let document = document();
    let mut missing = Vec::new();
    let mut must = |has: bool, what: String| {
        if !has {
            missing.push(what);
        }
    };
    let is_described = |value: &Value| value["description"].as_str().is_some_and(|text| !text.trim().is_empty());
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, property) in schema["properties"].as_object().unwrap_or(&Map::new()) {
            must(is_described(property), format!("a doc comment on {name}.{field}"));
            let refers = property.get("$ref").is_some() || property["items"].get("$ref").is_some();
            let shown = refers || property.get("example").is_some() || property["format"] == "binary";
            must(shown, format!("{field} in #[schema(example = json!({{…}}))] of {name}"));
        }
    }
    for (method, path, operation) in operations(&document) {
        // A description consists of its own text, a space, and generated sentences.
        let has_text = operation["description"].as_str().is_some_and(|text| !text.starts_with(' '));
        must(has_text, format!(".description(\"…\") in the route table for {method} {path}"));
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            must(is_described(parameter), format!("a doc comment on the parameter {name} of {method} {path}"));
            must(parameter.get("example").is_some(), format!("#[param(example = …)] on {name} of {method} {path}"));
        }
        for (media, content) in operation["requestBody"]["content"].as_object().unwrap_or(&Map::new()) {
            must(content.get("example").is_some(), format!("an example of the body ({media}) of {method} {path}"));
        }
        for (status, reply) in operation["responses"].as_object().unwrap() {
            let content = &reply["content"]["application/json"];
            let shown = content.get("schema").is_none() || content.get("example").is_some();
            must(shown, format!("an example of the response {status} to {method} {path}"));
        }
    }
    for tag in document["tags"].as_array().unwrap() {
        must(is_described(tag), format!("a description of {} in app/openapi/texts.rs", tag["name"]));
    }
    assert!(missing.is_empty(), "descriptions or examples are missing: {missing:#?}");
}

/// Returns whether two bodies have the same fields with the same types. Of a list, only the first item counts.
fn have_same_fields(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => true,
        (Value::Object(one), Value::Object(other)) => {
            one.keys().eq(other.keys()) && one.iter().all(|(name, value)| have_same_fields(value, &other[name]))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.first().zip(other.first()).is_none_or(|(one, other)| have_same_fields(one, other))
        }
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

fn fault(example: &Example, reply: &Reply) -> Option<String> {
    if !reply.status.is_success() {
        return Some(format!("{}: {}", example.id, reply.text()));
    }
    let shown = example.operation["responses"][reply.status.as_str()]["content"]["application/json"].get("example")?;
    let is_like_shown = have_same_fields(shown, &reply.json());
    (!is_like_shown).then(|| format!("{}: the response is {}, but the example is {shown}", example.id, reply.text()))
}

#[actix_web::test]
async fn all_examples_work_with_the_demo_data_and_show_the_fields_of_the_reply() {
    let (reads, writes): (Vec<_>, Vec<_>) = Example::all()
        .into_iter()
        .filter(|example| !NOT_SENT.iter().any(|(id, _)| example.id == *id))
        .partition(|example| example.method == Method::GET);
    let mut failed = Vec::new();
    let demo = Demo::start().await;
    for example in reads {
        failed.extend(fault(&example, &demo.send(&example).await));
    }
    for example in writes {
        // A write changes the demo data, so each write gets its own service.
        let demo = Demo::start().await;
        failed.extend(fault(&example, &demo.send(&example).await));
    }
    assert!(
        failed.is_empty(),
        "add `.example_on(demo::…)` to the row, another example to the body, or a line to NOT_SENT: {failed:#?}"
    );
}

#[::core::prelude::v1::test]
fn exceptions_name_existing_operations() {
    let document = document();
    for (id, reason) in NOT_SENT {
        assert!(operations(&document).iter().any(|(.., operation)| operation["operationId"] == *id), "{id}: {reason}");
    }
}

#[::core::prelude::v1::test]
fn problem_codes_of_the_document_are_documented() {
    let document = document();
    let mut shown = BTreeSet::new();
    for response in document["components"]["responses"].as_object().unwrap().values() {
        let examples = response["content"]["application/problem+json"]["examples"].as_object().unwrap();
        shown.extend(examples.keys().cloned());
    }
    let explained = include_str!("../../../docs/problems.md");
    let mut codes: BTreeSet<String> =
        explained.lines().filter_map(|line| Some(line.strip_prefix("## ")?.to_owned())).collect();
    // No operation lists this code, because it belongs to methods without an operation.
    codes.remove("method_not_allowed");
    assert_eq!(shown, codes, "docs/problems.md must match app/openapi/refusals.rs");
}
