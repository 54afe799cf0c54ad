//! Tests the examples of the OpenAPI document: a demo user sends each operation as its example shows, and it succeeds.

use std::collections::BTreeSet;

use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use strongroom::app::openapi;
use strongroom::app::routes::{Access, table};
use strongroom::features::demo;
use strongroom::security::audit::context::background;

use crate::support::client::{Client, Reply, Request};
use crate::support::files::pdf;
use crate::support::form::Form;
use crate::support::{Actor, TestApp};

/// Operations whose example cannot be sent, with the reason.
const NOT_SENT: &[(&str, &str)] = &[
    ("post_auth_confirm", "the token is in a mail"),
    ("post_auth_password_reset_confirm", "the token is in a mail"),
    ("post_auth_refresh", "the cookie is in a browser"),
    ("delete_auth_sessions_id", "session ids are created by the login"),
    ("post_invoices_id_issue", "the issue date must be within the last 30 days"),
    ("get_live", "it is a WebSocket; see features::live"),
    ("get_well_known_change_password", "it redirects (303); see features::well_known"),
    ("get_well_known_jwks_json", "404 while tokens are signed with a shared secret"),
];

/// The placeholder in examples for the password that development generates.
const DEMO_PASSWORD: &str = "printed by cargo run";

/// Starts a service with demo data, and logs in as Anna and as the administrator.
pub async fn demo_app() -> (TestApp, Actor, Actor) {
    let app = TestApp::start().await;
    let passwords = app.services().settings.secrets.demo_passwords.clone().unwrap();
    let mut owner = app.owner().await;
    let demo_services = app.services().demo_services();
    let made =
        background(&app.services().recorder, demo::create_missing(&demo_services, Some(&mut owner), &passwords)).await;
    made.unwrap().expect("demo users");
    let anna = Actor::sign_in(&app.anonymous(), "anna@demo.example", passwords[0].expose_secret()).await;
    let root = Actor::sign_in(&app.anonymous(), "root@demo.example", passwords[2].expose_secret()).await;
    (app, anna, root)
}

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

/// Builds a request from the examples of an operation, with all optional parameters except the cursor.
fn request(client: &Client, password: &str, method: Method, path: &str, operation: &Value) -> Request {
    let id = operation["operationId"].as_str().unwrap();
    let (mut path, mut query, mut headers) = (path.to_owned(), Vec::new(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let example = match parameter.get("example").expect("checked by the test above") {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match parameter["in"].as_str().unwrap() {
            "path" => path = path.replace(&format!("{{{name}}}"), &example),
            "query" if name == "cursor" => {}
            "query" => query.push((name, example)),
            "header" => headers.push((name, example)),
            other => panic!("{id}: add code that sends a parameter in {other}"),
        }
    }
    if !query.is_empty() {
        path = format!("{path}?{}", serde_urlencoded::to_string(query).unwrap());
    }
    let mut request = client.request(method, &path);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    match operation["requestBody"]["content"].as_object() {
        None => request,
        Some(media) => match media.get("application/json") {
            Some(content) => {
                let body = content["example"].to_string().replace(DEMO_PASSWORD, password);
                request.body("application/json", body)
            }
            None if media.contains_key("multipart/form-data") => {
                let example = &media["multipart/form-data"]["example"];
                let form = Form::default().file("terms.pdf", "application/pdf", &pdf(""));
                let fields = example.as_object().unwrap().iter();
                request.form(fields.fold(form, |form, (name, text)| form.text(name, text.as_str().unwrap())))
            }
            None => {
                panic!("{id}: add code that sends a body of {:?}", media.keys().collect::<Vec<_>>())
            }
        },
    }
}

async fn sent((app, anna, root): &(TestApp, Actor, Actor), row: (Method, String, Value)) -> Reply {
    let (method, path, operation) = row;
    let access =
        table().into_iter().find(|row| row.path == path && row.method.as_str() == method.as_str()).unwrap().access;
    let request = request(&app.anonymous(), &anna.password, method, &path, &operation);
    match access {
        Access::SignedIn | Access::TokenOrCookie => request.bearer(&anna.token).send().await,
        Access::Admin => request.bearer(&root.token).send().await,
        _ => request.send().await,
    }
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
        // The text of the row comes first in a description. If the row has no text, the description starts with a space.
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
    }
    for tag in document["tags"].as_array().unwrap() {
        must(is_described(tag), format!("a description of {} in app/openapi/texts.rs", tag["name"]));
    }
    assert!(missing.is_empty(), "please add: {missing:#?}");
}

#[actix_web::test]
async fn all_examples_work_with_the_demo_data() {
    let document = document();
    let (reads, writes): (Vec<_>, Vec<_>) = operations(&document)
        .into_iter()
        .filter(|(.., operation)| !NOT_SENT.iter().any(|(id, _)| operation["operationId"] == *id))
        .partition(|(method, ..)| *method == Method::GET);
    let mut failed = Vec::new();
    let demo = demo_app().await;
    for row in reads {
        let (name, reply) = (format!("{} {}", row.0, row.1), sent(&demo, row).await);
        if !reply.status.is_success() {
            failed.push(format!("{name}: {}", reply.text()));
        }
    }
    demo.0.wait_until_events_are_stored().await;
    for row in writes {
        // Each write needs fresh demo data.
        let demo = demo_app().await;
        let (name, reply) = (format!("{} {}", row.0, row.1), sent(&demo, row).await);
        if !reply.status.is_success() {
            failed.push(format!("{name}: {}", reply.text()));
        }
        demo.0.wait_until_events_are_stored().await;
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
    // No operation has this code: the service returns it if a path has no operation with the request's method.
    codes.remove("method_not_allowed");
    assert_eq!(shown, codes, "docs/problems.md must match app/openapi/refusals.rs");
}
