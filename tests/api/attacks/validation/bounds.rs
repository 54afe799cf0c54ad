//! Input validation (CWE-20, CWE-1284): every bound in the OpenAPI document. The service accepts a value at the bound,
//! and refuses a value one step beyond it, with the name of the field.

use std::iter;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::examples::{Demo, Example, Field};
use crate::support::snapshot::Snapshot;
use crate::support::{Actor, Reply};

/// Bounds that another check makes unreachable, and the reason.
const NOT_REACHED: &[(&str, &str)] = &[
    ("/If-Match maxLength", "any entity tag is well-formed (RFC 9110 §8.8.3); a longer one matches no version (412)"),
    ("post_auth_confirm /password minLength", "the token is in a mail; see attacks::authentication::passwords"),
    ("post_auth_password_reset_confirm /new_password minLength", "the token is in a mail"),
];

/// A keyword of the schema (such as `maxLength`), the last allowed value, and the first value beyond it.
struct Bound {
    keyword: &'static str,
    at: Option<Value>,
    beyond: Value,
}

fn bounds(field: &Field) -> Vec<Bound> {
    let schema = &field.schema;
    let bound = |keyword, at: Value, beyond: Value| Bound { keyword, at: Some(at), beyond };
    let number = |keyword: &str| schema[keyword].as_i64();
    let items = |count: i64| json!(vec![field.example[0].clone(); count as usize]);
    let text = |length: i64| json!(resized(sample(field), length as usize));
    let mut all = Vec::new();
    all.extend(number("minimum").map(|least| bound("minimum", json!(least), json!(least - 1))));
    all.extend(number("maximum").map(|most| bound("maximum", json!(most), json!(most + 1))));
    all.extend(number("minItems").map(|least| bound("minItems", items(least), items(least - 1))));
    all.extend(number("maxItems").map(|most| bound("maxItems", items(most), items(most + 1))));
    all.extend(number("minLength").map(|least| bound("minLength", text(least), text(least - 1))));
    all.extend(number("maxLength").map(|most| bound("maxLength", text(most), text(most + 1))));
    let formats = ["pattern", "enum"].into_iter().filter(|keyword| schema.get(*keyword).is_some());
    all.extend(formats.map(|keyword| Bound { keyword, at: None, beyond: json!(of_no_format(field)) }));
    all
}

fn sample(field: &Field) -> &str {
    field.example.as_str().unwrap_or("x")
}

/// Cuts `text`, or repeats its last character, until it has this length.
fn resized(text: &str, length: usize) -> String {
    text.chars().chain(iter::repeat(text.chars().last().unwrap())).take(length).collect()
}

/// Returns the example with a character that no pattern allows. A header can contain only printable characters.
fn of_no_format(field: &Field) -> String {
    let character = if field.is_header() { 'é' } else { '\u{1}' };
    iter::once(character).chain(sample(field).chars().skip(1)).collect()
}

fn messages(reply: &Reply, field: &Field) -> Vec<String> {
    if reply.status.as_u16() != 400 {
        return Vec::new();
    }
    let problem = reply.json();
    let faults = problem["errors"].as_array().into_iter().flatten();
    faults.filter(|fault| fault["pointer"] == *field.pointer).map(|fault| fault["message"].to_string()).collect()
}

/// A service with demo data, which are restored after each request that may change them.
struct Walk {
    demo: Demo,
    rows: Snapshot,
    faults: Vec<String>,
}

impl Walk {
    async fn send(&mut self, example: &Example, field: &Field, value: &Value) -> Reply {
        let reply = self.demo.send(&example.with(field, value)).await;
        if reply.status.is_success() && example.method != Method::GET {
            self.rows.restore(&self.demo.app).await;
            let anna = &self.demo.anna;
            if anna.get("/api/v1/me").await.status.as_u16() == 401 {
                self.demo.anna = Actor::sign_in(&anna.client, &anna.email, &anna.password).await;
            }
        }
        reply
    }

    /// Sends a value beyond each bound, and returns the messages of the refusals.
    async fn step_beyond(&mut self, example: &Example, field: &Field) -> Vec<Vec<String>> {
        let mut refusals = Vec::new();
        for Bound { keyword, beyond, .. } in bounds(field) {
            let place = format!("{} {} {keyword}", example.id, field.pointer);
            let reply = self.demo.send(&example.with(field, &beyond)).await;
            let messages = messages(&reply, field);
            let is_reached = !NOT_REACHED.iter().any(|(other, _)| place.ends_with(other));
            if !reply.status.is_client_error() || (messages.is_empty() && is_reached) {
                let bound = &field.schema[keyword];
                self.faults.push(format!(
                    "{place} {bound}: a value one step beyond the bound is not refused: {}",
                    reply.text()
                ));
            }
            refusals.push(messages);
        }
        refusals
    }

    /// Sends a value at each bound of a field. The response must not contain the message of the value beyond the bound.
    /// Messages about the whole format do not identify a bound.
    async fn stay_within(&mut self, example: &Example, field: &Field, refusals: Vec<Vec<String>>) {
        let format = match field.schema["type"].to_string().contains("\"string\"") {
            true => messages(&self.send(example, field, &json!(of_no_format(field))).await, field),
            false => Vec::new(),
        };
        for (Bound { keyword, at, .. }, beyond) in bounds(field).into_iter().zip(refusals) {
            let Some(at) = at else { continue };
            let reply = self.send(example, field, &at).await;
            let same = messages(&reply, field).iter().any(|said| beyond.contains(said) && !format.contains(said));
            if reply.status.is_server_error() || same {
                let place = format!("{} {} {keyword} {}", example.id, field.pointer, field.schema[keyword]);
                self.faults.push(format!("{place}: a value at the bound is refused: {}", reply.text()));
            }
        }
    }
}

#[actix_web::test]
async fn every_bound_of_the_document_holds() {
    let demo = Demo::start().await;
    let rows = Snapshot::take(&demo.app).await;
    let (mut walk, mut tried) = (Walk { demo, rows, faults: Vec::new() }, 0);
    for example in Example::all() {
        // A malformed id is like the id of a missing object (`attacks::authorization::object_level::every_id`).
        let fields = example.fields().into_iter().filter(|field| !field.is_id() && !bounds(field).is_empty());
        let fields: Vec<Field> = fields.collect();
        let (before, mut refusals) = (walk.demo.app.digest_all().await, Vec::new());
        for field in &fields {
            refusals.push(walk.step_beyond(&example, field).await);
        }
        if walk.demo.app.digest_all().await != before {
            walk.faults.push(format!("{}: a refused request changed something", example.id));
        }
        for (field, refusals) in fields.iter().zip(refusals) {
            tried += refusals.len();
            walk.stay_within(&example, field, refusals).await;
        }
    }
    assert!(tried > 200, "only {tried} bounds were found");
    assert!(walk.faults.is_empty(), "{:#?}", walk.faults);
}
