//! The examples of the OpenAPI document are real: each operation is sent as its example says, by a demo user to the demo data,
//! and succeeds. What cannot be known beforehand is listed here, with its reason.

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

/// Operations whose example cannot work as it stands.
const NOT_SENT: &[(&str, &str)] = &[
    ("post_auth_confirm", "the token is in a mail"),
    ("post_auth_password_reset_confirm", "the token is in a mail"),
    ("post_auth_refresh", "the cookie is in a browser"),
    ("delete_auth_sessions_id", "the id of a session comes with the sign-in"),
    ("post_invoices_id_issue", "the day of issue lies within the last 30 days"),
    ("get_live", "it is a WebSocket, which features::live opens"),
    ("get_well_known_change_password", "it redirects (303), which features::well_known follows"),
    ("get_well_known_jwks_json", "there is none while tokens are signed with a shared secret"),
];

/// What an example says for the password that development makes at its first start.
const DEMO_PASSWORD: &str = "printed by cargo run";

/// A service with demo data, and anna and the administrator, signed in.
pub async fn demo_app() -> (TestApp, Actor, Actor) {
    let app = TestApp::start().await;
    let passwords = app.services().settings.secrets.demo_passwords.clone().unwrap();
    let mut owner = app.owner().await;
    let demo_services = app.services().demo_services();
    let made =
        background(&app.services().recorder, demo::create_missing(&demo_services, Some(&mut owner), &passwords)).await;
    made.unwrap().expect("demo users");
    let anna = Actor::sign_in(&app.anybody(), "anna@demo.example", passwords[0].expose_secret()).await;
    let root = Actor::sign_in(&app.anybody(), "root@demo.example", passwords[2].expose_secret()).await;
    (app, anna, root)
}

fn document() -> Value {
    serde_json::from_str(&openapi::text().unwrap()).unwrap()
}

fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let rows = table().into_iter().map(|row| {
        let told = document["paths"][row.path][row.method.as_str().to_lowercase()].clone();
        (Method::from_bytes(row.method.as_str().as_bytes()).unwrap(), row.path.to_owned(), told)
    });
    rows.collect()
}

/// The request that an operation's examples make, with every optional parameter but the cursor, which comes with a page.
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
            other => panic!("{id}: say here how a parameter in {other} is sent"),
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
                let said = &media["multipart/form-data"]["example"];
                let form = Form::default().file("terms.pdf", "application/pdf", &pdf(""));
                let fields = said.as_object().unwrap().iter();
                request.form(fields.fold(form, |form, (name, text)| form.text(name, text.as_str().unwrap())))
            }
            None => {
                panic!("{id}: say here how a body of {:?} is made from its example", media.keys().collect::<Vec<_>>())
            }
        },
    }
}

async fn sent((app, anna, root): &(TestApp, Actor, Actor), row: (Method, String, Value)) -> Reply {
    let (method, path, operation) = row;
    let access =
        table().into_iter().find(|row| row.path == path && row.method.as_str() == method.as_str()).unwrap().access;
    let request = request(&app.anybody(), &anna.password, method, &path, &operation);
    match access {
        Access::SignedIn | Access::TokenOrCookie => request.bearer(&anna.token).send().await,
        Access::Admin => request.bearer(&root.token).send().await,
        _ => request.send().await,
    }
}

#[::core::prelude::v1::test]
fn every_word_of_the_document_is_explained_and_has_an_example() {
    let document = document();
    let mut missing = Vec::new();
    let mut must = |has: bool, what: String| {
        if !has {
            missing.push(what);
        }
    };
    let says = |value: &Value| value["description"].as_str().is_some_and(|text| !text.trim().is_empty());
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, property) in schema["properties"].as_object().unwrap_or(&Map::new()) {
            must(says(property), format!("a doc comment on {name}.{field}"));
            let refers = property.get("$ref").is_some() || property["items"].get("$ref").is_some();
            let shown = refers || property.get("example").is_some() || property["format"] == "binary";
            must(shown, format!("{field} in #[schema(example = json!({{…}}))] of {name}"));
        }
    }
    for (method, path, operation) in operations(&document) {
        // The text begins with the row's own words, so an empty one begins with a space.
        let own_words = operation["description"].as_str().is_some_and(|text| !text.starts_with(' '));
        must(own_words, format!(".says(\"…\") in the route table for {method} {path}"));
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            must(says(parameter), format!("a doc comment on the parameter {name} of {method} {path}"));
            must(parameter.get("example").is_some(), format!("#[param(example = …)] on {name} of {method} {path}"));
        }
        for (media, content) in operation["requestBody"]["content"].as_object().unwrap_or(&Map::new()) {
            must(content.get("example").is_some(), format!("an example of the body ({media}) of {method} {path}"));
        }
    }
    for tag in document["tags"].as_array().unwrap() {
        must(says(tag), format!("what {} is, in app/openapi/texts.rs", tag["name"]));
    }
    assert!(missing.is_empty(), "please add: {missing:#?}");
}

#[actix_web::test]
async fn every_example_works_against_the_demo_data() {
    let document = document();
    let (reads, writes): (Vec<_>, Vec<_>) = operations(&document)
        .into_iter()
        .filter(|(.., told)| !NOT_SENT.iter().any(|(id, _)| told["operationId"] == *id))
        .partition(|(method, ..)| *method == Method::GET);
    let mut failed = Vec::new();
    let demo = demo_app().await;
    for row in reads {
        let (name, reply) = (format!("{} {}", row.0, row.1), sent(&demo, row).await);
        if !reply.status.is_success() {
            failed.push(format!("{name}: {}", reply.text()));
        }
    }
    for row in writes {
        // Each on data that no other has changed.
        let demo = demo_app().await;
        let (name, reply) = (format!("{} {}", row.0, row.1), sent(&demo, row).await);
        if !reply.status.is_success() {
            failed.push(format!("{name}: {}", reply.text()));
        }
    }
    assert!(
        failed.is_empty(),
        "give the row `.on(demo::…)`, its body another example, or a line in NOT_SENT with the reason: {failed:#?}"
    );
}

#[::core::prelude::v1::test]
fn the_exceptions_are_operations() {
    let document = document();
    for (id, reason) in NOT_SENT {
        assert!(operations(&document).iter().any(|(.., told)| told["operationId"] == *id), "{id}: {reason}");
    }
}

#[::core::prelude::v1::test]
fn the_codes_in_the_document_are_those_that_are_explained() {
    let document = document();
    let mut shown = BTreeSet::new();
    for response in document["components"]["responses"].as_object().unwrap().values() {
        let examples = response["content"]["application/problem+json"]["examples"].as_object().unwrap();
        shown.extend(examples.keys().cloned());
    }
    let explained = include_str!("../../../docs/problems.md");
    let mut codes: BTreeSet<String> =
        explained.lines().filter_map(|line| Some(line.strip_prefix("## ")?.to_owned())).collect();
    // No operation has it: it is the answer where there is none.
    codes.remove("method_not_allowed");
    assert_eq!(shown, codes, "docs/problems.md and the refusals in app/openapi/refusals.rs");
}
