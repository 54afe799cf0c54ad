//! Texts of refusals (CWE-209, API8:2023) say all that a developer needs to correct the request. The message of a
//! parser would disclose Rust types and fields, and quote the input.

use reqwest::Method;
use serde_json::{Map, Value, json};
use strongroom::app::openapi;
use strongroom::app::routes::Access;

use crate::support::actor::draft;
use crate::support::operations::{make, operations, with_bodies};
use crate::support::{Reply, TestApp};

/// Words, in lower case, that occur only in messages of serde, garde and Rust.
const OF_THE_PROGRAM: [&str; 34] = [
    "serde",
    "garde",
    "expected",
    "invalid type",
    "invalid value",
    "invalid length",
    "invalid digit",
    "unknown variant",
    "unknown field",
    "missing field",
    "duplicate field",
    "variant",
    "struct",
    "enum",
    "tuple",
    "newtype",
    "sequence",
    "option",
    "vec<",
    "utf-8 sequence",
    "usize",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "i32",
    "i64",
    "f64",
    "eof",
    "trailing",
    "recursion",
    "out of range",
    "documented format",
];

/// Asserts that no message comes from a parser, and that each pointer names a known field.
#[track_caller]
fn assert_own_messages(reply: &Reply, names: &[String], what: &str) {
    let problem = reply.json();
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("{what}: no errors in {problem}"));
    assert!(!errors.is_empty(), "{what}");
    for error in errors {
        let (pointer, message) = (error["pointer"].as_str().unwrap(), error["message"].as_str().unwrap());
        let small = message.to_lowercase();
        for word in OF_THE_PROGRAM {
            assert!(!small.contains(word), "{what}: {pointer} {message}");
        }
        assert!(!small.contains("canary"), "{what}: the message quotes the input: {message}");
        assert!((3..=200).contains(&message.len()), "{what}: {message}");
        for step in pointer.split('/').skip(1).filter(|step| step.parse::<usize>().is_err()) {
            let known = names.iter().any(|name| name == step);
            assert!(known || ["canary", "card"].contains(&step), "{what}: {pointer}");
        }
    }
}

fn document() -> Value {
    serde_json::from_str(&openapi::text().unwrap()).unwrap()
}

fn names(document: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for schema in document["components"]["schemas"].as_object().unwrap().values() {
        names.extend(schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned());
    }
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            names.extend(parameters.iter().map(|parameter| parameter["name"].as_str().unwrap().to_owned()));
        }
    }
    names
}

/// Values that are wrong for nearly every field, as JSON text, because a `Value` cannot represent 1e999.
const WRONG: [&str; 20] = [
    "null",
    "true",
    "5",
    "-1",
    "172.5",
    "1e300",
    "18446744073709551616",
    "1e999",
    "\"\"",
    "\"canary\"",
    "\"a\\u0000b\"",
    "\"`canary`, expected one of `a`\"",
    "[]",
    "[1]",
    "[\"canary\"]",
    "[[]]",
    "[{\"canary\": 1}]",
    "{}",
    "{\"canary\": 1}",
    "{\"card\": null}",
];

/// Returns the example with each field, also of invoice lines, replaced by each wrong value.
fn wrong_bodies(fits: &Value) -> Vec<String> {
    let hole = json!("a hole");
    let mut holed = Vec::new();
    for field in fits.as_object().unwrap().keys() {
        let mut body = fits.clone();
        body[field] = hole.clone();
        holed.push(body);
        for inner in fits[field][0].as_object().into_iter().flat_map(Map::keys) {
            let mut body = fits.clone();
            body[field][0][inner] = hole.clone();
            holed.push(body);
        }
    }
    let filled = |body: &Value| WRONG.map(|value| body.to_string().replace(&hole.to_string(), value));
    let mut bodies: Vec<String> = holed.iter().flat_map(filled).collect();
    for field in fits.as_object().unwrap().keys() {
        let mut body = fits.clone();
        body.as_object_mut().unwrap().remove(field);
        bodies.push(body.to_string());
        bodies.push(fits.to_string().replacen('{', &format!("{{{}: 1, ", json!(field)), 1));
    }
    bodies.extend(WRONG.map(str::to_owned));
    bodies
}

#[actix_web::test]
async fn refusal_of_an_invalid_body_quotes_no_parser_message() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let names = names(&document());
    let (mut refused, all) = (0, with_bodies(&alice).await);
    for (operation, id, fits) in &all {
        for body in wrong_bodies(fits) {
            let what = format!("{} {} {body}", operation.method, operation.path);
            // No object has this version, so even a valid body changes nothing.
            let request = operation.request_to(&alice, id).header("if-match", "\"999\"");
            let reply = request.body("application/json", body.clone()).send().await;
            if reply.status.as_u16() == 400 {
                assert_eq!(
                    reply.json()["code"],
                    "invalid_input",
                    "{what}: the body is JSON, so the code must not be `not_json`"
                );
                assert_own_messages(&reply, &names, &what);
                refused += 1;
            }
        }
    }
    assert!(refused > all.len() * 40, "only {refused} requests were refused");
}

#[actix_web::test]
async fn refusal_of_broken_json_names_line_and_column() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let post = |kind: &'static str, body: &'static str| {
        alice.request(Method::POST, "/api/v1/customers").body(kind, body).send()
    };
    for (body, said) in [
        ("", "must be a JSON object, but is empty"),
        ("{\"name\": \"A\",\n \"email\": ,}", "is not JSON at line 2, column 11"),
        ("{'name': 'A'}", "is not JSON at line 1, column 2"),
        ("name=A", "is not JSON at line 1, column 2"),
        ("{\"name\": \"A\"", "is not JSON at line 1, column 12"),
        ("{\"name\": \"A\", \"default_currency\": \"EUR\"} {}", "is not JSON at line 1, column 42"),
    ] {
        let reply = post("application/json", body).await;
        reply.assert_refused(400, "not_json").assert_events(&["input_validation_fail/not_json"]);
        assert_eq!(reply.json()["errors"], json!([{"pointer": "", "message": said}]), "{body}");
    }
    // curl sends this media type by default.
    let form = post("application/x-www-form-urlencoded", "{\"name\": \"A\"}").await;
    form.assert_refused(415, "unsupported_media_type").assert_events(&["input_validation_fail/unsupported_media_type"]);
    assert_eq!(form.json()["errors"], json!([{"pointer": "/Content-Type", "message": "must be application/json"}]));
    let upload = alice.request(Method::POST, "/api/v1/documents").json(&json!({})).send().await;
    upload.assert_refused(415, "unsupported_media_type");
    assert_eq!(upload.json()["errors"][0]["message"], "must be multipart/form-data");
}

#[actix_web::test]
async fn refusal_of_an_invalid_query_quotes_no_parser_message() {
    let app = TestApp::start().await;
    let (alice, root) = (app.user("alice").await, app.admin("root").await);
    let document = document();
    let (names, mut refused) = (names(&document), 0);
    for operation in operations().into_iter().filter(|operation| operation.method == Method::GET) {
        let actor = if operation.access == Access::Admin { &root } else { &alice };
        let id = if operation.is_on_object() { make(&alice, operation.collection()).await } else { String::new() };
        let told = &document["paths"][operation.path]["get"]["parameters"];
        let fields = told.as_array().cloned().unwrap_or_default();
        for field in fields.iter().filter(|field| field["in"] == "query") {
            let field = field["name"].as_str().unwrap();
            for value in ["", "canary", "-1", "1.5", "99999999999999999999", "%00", "%FF", "[]", "null"] {
                let path = format!("{}?{field}={value}", operation.path.replace("{id}", &id));
                let reply = actor.get(&path).await;
                if reply.status.as_u16() == 400 {
                    assert_own_messages(&reply, &names, &path);
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 100, "only {refused} requests were refused");
}

/// Compares the complete text of one refusal of each kind.
#[actix_web::test]
async fn refusal_says_what_the_field_must_be() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut draft = draft(&alice.customer().await);
    draft["notes"] = json!("");
    draft["lines"][0]["discount_amount"] = json!(0);
    let with = |pointer: &str, value: Value| {
        let mut body = draft.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (pointer, value, said) in [
        ("/currency", json!(5), "must be a string"),
        ("/lines", json!("x"), "must be a list"),
        ("/lines", json!([]), "must have a length of at least 1"),
        ("/lines/0", json!("x"), "must be an object"),
        ("/lines/0/quantity", json!(1.5), "must be a string"),
        ("/lines/0/discount_amount", json!("21"), "must be an integer of at most 9007199254740991"),
        ("/lines/0/discount_amount", json!(172.5), "must be an integer of at most 9007199254740991"),
        ("/lines/0/discount_amount", json!(-1), "must be at least 0"),
        ("/notes", json!("x".repeat(2_001)), "must have a length of at most 2000"),
    ] {
        let reply = alice.post("/api/v1/invoices", &with(pointer, value.clone())).await;
        reply.assert_refused(400, "invalid_input");
        assert_eq!(reply.json()["errors"], json!([{"pointer": pointer, "message": said}]), "{value}");
    }
    let payment = |method: Value| json!({"amount": 1, "paid_on": "2026-11-20", "method": method});
    let path = format!("/api/v1/invoices/{}/payments", alice.invoice().await);
    for (method, said) in [
        (json!("gold"), "must be one of: bank_transfer, card, cash, direct_debit, other"),
        (json!({"card": null}), "must be a string"),
    ] {
        let reply = alice.post(&path, &payment(method)).await;
        reply.assert_refused(400, "invalid_input");
        assert_eq!(reply.json()["errors"], json!([{"pointer": "/method", "message": said}]));
    }
    let overdue = alice.get("/api/v1/invoices?overdue=yes").await;
    assert_eq!(overdue.json()["errors"], json!([{"pointer": "/overdue", "message": "must be true or false"}]));
    let limit = alice.get("/api/v1/invoices?limit=0").await;
    assert_eq!(limit.json()["errors"], json!([{"pointer": "/limit", "message": "must be a number from 1 to 100"}]));
}

/// The `type` of a refusal is a URL with the actual port of this service.
#[actix_web::test]
async fn problem_type_links_to_its_explanation_on_any_port() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let app = TestApp::with(&[("STRONGROOM_HTTP_BIND", &format!("127.0.0.1:{port}"))]).await;
    let reply = app.anonymous().request(Method::GET, "/nothing").send().await;
    reply.assert_refused(404, "not_found");
    let problem = reply.json();
    let (page, anchor) = problem["type"].as_str().unwrap().split_once('#').unwrap();
    assert_eq!(page, format!("http://localhost:{port}/problems"));
    let path = page.strip_prefix(&format!("http://localhost:{port}")).unwrap();
    let explained = app.anonymous().request(Method::GET, path).send().await.ok(200).text();
    assert!(explained.contains(anchor));
}
