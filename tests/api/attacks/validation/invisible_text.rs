//! Invisible and bidirectional characters (CWE-1007, API8:2023) could spoof names, hide instructions or reverse
//! amounts.

use serde_json::{Value, json};

use crate::support::actor::draft;
use crate::support::form::Form;
use crate::support::{Actor, Reply, TestApp};

const FIELDS: [&str; 8] =
    ["/name", "/tax_id", "/address", "/lines/0/description", "/notes", "/title", "/display_name", "/bio"];

/// Creates or updates a resource with this text in this field. If the text is accepted, the response contains it.
async fn send(alice: &Actor, customer: &str, field: &str, text: &str) -> Reply {
    let changed = |mut body: Value| {
        body[field.trim_start_matches('/')] = json!(text);
        body
    };
    match field {
        "/lines/0/description" => {
            let mut invoice = draft(customer);
            invoice["lines"][0]["description"] = json!(text);
            alice.post("/api/v1/invoices", &invoice).await
        }
        "/notes" => alice.post("/api/v1/invoices", &changed(draft(customer))).await,
        "/title" => {
            let file = Form::default().text("title", text).file("terms.txt", "text/plain", b"Pay within 30 days.");
            alice.upload(file).await
        }
        "/display_name" | "/bio" => {
            let tag = alice.get("/api/v1/me").await.ok(200).header("etag").unwrap().to_owned();
            alice.patch("/api/v1/me", &tag, &changed(json!({}))).await
        }
        _ => alice.post("/api/v1/customers", &changed(json!({"name": "Acme", "default_currency": "EUR"}))).await,
    }
}

#[actix_web::test]
async fn invisible_characters_are_refused_in_every_field() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    let before = app.digest_all().await;
    for field in FIELDS {
        for hidden in [
            "zero width\u{200b}space",
            "\u{feff}byte order mark",
            "soft\u{ad}hyphen",
            "tags\u{e0070}\u{e0061}\u{e0079}",
            "joiner\u{200d}between letters",
            "private\u{e000}use",
            "unassigned\u{378}",
            "Hangul\u{3164}filler",
            "line\u{2028}separator",
        ] {
            let reply = send(&alice, &customer, field, hidden).await;
            reply.assert_invalid_field(field).assert_events(&["input_validation_fail/invalid_input"]);
            assert!(reply.text().contains("without control or invisible characters"), "{}", reply.text());
        }
    }
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn directional_marks_are_removed_and_required_joiners_are_kept() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    for (typed, stored) in [
        ("\u{202a}Anna\u{202c} \u{200e}Keller\u{200f}\u{2066}\u{2069}\u{202e}", "Anna Keller"),
        ("می\u{200c}خواهم", "می\u{200c}خواهم"),
        ("ශ්\u{200d}රී", "ශ්\u{200d}රී"),
        ("\u{1f469}\u{1f3fd}\u{200d}\u{1f680}", "\u{1f469}\u{1f3fd}\u{200d}\u{1f680}"),
    ] {
        for field in FIELDS {
            let reply = send(&alice, &customer, field, typed).await;
            assert!(reply.status.is_success(), "{field} {typed:?}: {}", reply.text());
            assert_eq!(reply.json().pointer(field), Some(&json!(stored)), "{field} {typed:?}");
        }
    }
}
