//! Creates, lists, reads, updates and deletes customers.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, TestApp};

async fn created(alice: &Actor, body: Value) -> Value {
    alice.post("/api/v1/customers", &body).await.ok(201).json()
}

#[actix_web::test]
async fn customer_is_created_read_updated_and_deleted() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let body = json!({
        "name": "Łódź Æsthetics", "email": "Billing@Acme.example", "address": "1 Main St\nTown", "tax_id": "NL001",
        "default_currency": "JPY"
    });
    let reply = alice.post("/api/v1/customers", &body).await.ok(201);
    let made = reply.json();
    let path = format!("/api/v1/customers/{}", made["id"].as_str().unwrap());
    assert_eq!((reply.header("location"), reply.header("etag")), (Some(path.as_str()), Some("\"1\"")));
    for field in ["name", "address", "tax_id", "default_currency"] {
        assert_eq!(made[field], body[field]);
    }
    assert_eq!(alice.get(&path).await.ok(200).json(), made);

    let changed = alice.patch(&path, "\"1\"", &json!({"name": "Acme", "address": null})).await.ok(200);
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let changed = changed.json();
    assert_eq!((&changed["name"], &changed["address"]), (&json!("Acme"), &Value::Null));
    assert_eq!((&changed["tax_id"], &changed["created_at"]), (&made["tax_id"], &made["created_at"]));
    assert_eq!(alice.get(&path).await.ok(200).json(), changed);

    alice.delete(&path, "\"2\"").await.ok(204);
    alice.get(&path).await.assert_refused(404, "not_found");
    assert_eq!(alice.get("/api/v1/customers").await.json(), json!({"items": [], "next_cursor": null}));
}

#[actix_web::test]
async fn pages_contain_each_row_once_during_concurrent_inserts() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut made = Vec::new();
    for n in 0..25 {
        made.push(created(&alice, json!({"name": format!("c{n}"), "default_currency": "EUR"})).await["id"].clone());
    }
    let (mut seen, mut path) = (Vec::new(), "/api/v1/customers?limit=10".to_owned());
    loop {
        let page = alice.get(&path).await.ok(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        // A new row must not change the following pages.
        created(&alice, json!({"name": "later", "default_currency": "EUR"})).await;
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/customers?limit=10&cursor={next}");
    }
    made.reverse();
    assert_eq!(seen, made);
}

/// A page ends between rows with equal timestamps.
#[actix_web::test]
async fn rows_with_equal_timestamps_are_paged_by_id() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for _ in 0..7 {
        alice.customer().await;
    }
    sqlx::query("update customers set created_at = '2026-01-01'").execute(&app.all_rows).await.unwrap();
    let (mut seen, mut path) = (Vec::new(), "/api/v1/customers?limit=3".to_owned());
    loop {
        let page = alice.get(&path).await.ok(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/customers?limit=3&cursor={next}");
    }
    let mut once = seen.clone();
    once.sort_unstable_by(|one, other| other.cmp(one));
    once.dedup();
    assert_eq!((seen.len(), seen), (7, once));
    // The rows fill the last page exactly, so there is no cursor.
    let page = alice.get("/api/v1/customers?limit=7").await.ok(200).json();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next_cursor"]), (7, &Value::Null));
}

#[actix_web::test]
async fn invalid_input_names_its_field_and_changes_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let path = format!("/api/v1/customers/{}", alice.customer().await);
    let before = app.digest_all().await;
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("x".repeat(201))),
        ("name", json!("two\nlines")),
        ("name", json!("null\u{0}byte")),
        ("name", json!("zero width\u{200b}space")),
        ("name", json!(1)),
        ("name", Value::Null),
        ("email", json!("not-an-address")),
        ("email", json!("a@b.example\r\nBcc: all@example.com")),
        ("address", json!("x".repeat(501))),
        ("tax_id", json!("x".repeat(51))),
        ("default_currency", json!("eur")),
        ("default_currency", json!("XXX")),
        ("default_currency", json!("EURO")),
    ] {
        let mut body = json!({"name": "Acme", "default_currency": "EUR"});
        body[field] = value.clone();
        alice.post("/api/v1/customers", &body).await.assert_invalid_field(&format!("/{field}"));
        alice.patch(&path, "\"1\"", &json!({field: value})).await.assert_invalid_field(&format!("/{field}"));
    }
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=1.5", "limit"),
        ("limit=18446744073709551617", "limit"),
        ("limit=1&limit=2", "limit"),
        ("page=2", "page"),
        ("cursor=x", "cursor"),
    ] {
        let reply = alice.get(&format!("/api/v1/customers?{query}")).await;
        reply.assert_invalid_field(&format!("/{field}"));
    }
    assert_eq!(app.digest_all().await, before);
    let missing = alice.post("/api/v1/customers", &json!({"default_currency": "EUR"})).await;
    missing.assert_invalid_field("/name");
}

#[actix_web::test]
async fn customer_with_invoices_cannot_be_deleted() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = format!("/api/v1/invoices/{}", alice.invoice().await);
    let customer = alice.get(&invoice).await.json()["customer_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/customers/{customer}");
    let before = app.digest_all().await;
    alice.delete(&path, "\"1\"").await.assert_refused(409, "in_use");
    assert_eq!(app.digest_all().await, before);
    alice.delete(&invoice, "\"1\"").await.ok(204);
    alice.request(Method::DELETE, &path).header("if-match", "\"1\"").send().await.ok(204);
}
