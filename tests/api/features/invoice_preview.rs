//! `POST invoices/preview` computes the amounts of a draft. `GET invoices/totals` returns sums by status.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::{draft, payment};
use crate::support::{Actor, TestApp};

const PREVIEW: &str = "/api/v1/invoices/preview";
const TOTALS: &str = "/api/v1/invoices/totals";

#[actix_web::test]
async fn preview_returns_the_amounts_of_a_create_and_stores_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut body = draft(&alice.customer().await);
    body["discount_rate"] = json!("2.5");
    body["lines"][0]["discount_amount"] = json!(500);
    let before = app.digest_all().await;
    let reply = alice.post(PREVIEW, &body).await;
    let preview = reply.ok(200).json();
    assert_eq!(app.digest_all().await, before);
    let created = alice.post("/api/v1/invoices", &body).await.ok(201).json();
    for (field, amount) in preview.as_object().unwrap() {
        assert_eq!(*amount, created[field], "{field}");
    }
    assert_eq!(preview["total"], json!(21_981));
}

/// A preview and a create return the same errors, also for the id of another user's customer.
#[actix_web::test]
async fn preview_refuses_what_a_create_refuses() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (own, foreign) = (alice.customer().await, bob.customer().await);
    let before = app.digest_all().await;
    let with = |pointer: &str, value: Value| {
        let mut body = draft(&own);
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let missing = uuid::Uuid::new_v4().to_string();
    for (body, pointer) in [
        (draft(&foreign), "/customer_id"),
        (draft(&missing), "/customer_id"),
        (with("/lines", json!([])), "/lines"),
        (with("/lines/0/quantity", json!("0")), "/lines/0/quantity"),
        (with("/lines/0/unit_price", json!("1.1234567")), "/lines/0/unit_price"),
        (with("/currency", json!("XXX")), "/currency"),
    ] {
        let preview = alice.post(PREVIEW, &body).await;
        let create = alice.post("/api/v1/invoices", &body).await;
        preview.assert_invalid_field(pointer);
        assert_eq!(preview.comparable(), create.comparable(), "{body}");
        assert_eq!(preview.events(), create.events(), "{body}");
    }
    assert_eq!(app.digest_all().await, before);
}

/// A client may request previews while its user types. The previews must not use up the rate limit for new invoices.
#[actix_web::test]
async fn preview_has_its_own_budget() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS_PREVIEW", "1/1h")]).await;
    let alice = app.user("alice").await;
    let body = draft(&alice.customer().await);
    alice.post(PREVIEW, &body).await.ok(200);
    alice.post(PREVIEW, &body).await.assert_refused(429, "too_many_requests");
    alice.post("/api/v1/invoices", &body).await.ok(201);
}

/// Creates an invoice with one line, and returns its path.
async fn invoice(actor: &Actor, currency: &str, quantity: &str, price: &str) -> String {
    let mut body = draft(&actor.customer().await);
    body["currency"] = json!(currency);
    body["lines"] = json!([{"description": "x", "quantity": quantity, "unit_price": price, "tax_rate": "0"}]);
    let made = actor.post("/api/v1/invoices", &body).await.ok(201).json();
    format!("/api/v1/invoices/{}", made["id"].as_str().unwrap())
}

#[actix_web::test]
async fn totals_sum_the_callers_invoices_by_status_and_currency() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    assert_eq!(alice.get(TOTALS).await.ok(200).json(), json!({"items": [], "invoices": 0}));
    for (currency, price, paid) in [("EUR", "10", 0), ("EUR", "20", 500), ("JPY", "300", 0)] {
        let path = invoice(&alice, currency, "1", price).await;
        alice.request(Method::POST, &format!("{path}/issue")).header("if-match", "\"1\"").send().await.ok(200);
        if paid > 0 {
            alice.post(&format!("{path}/payments"), &payment(paid)).await.ok(201);
        }
    }
    invoice(&alice, "EUR", "1", "1").await;
    invoice(&alice, "EUR", "1", "2").await;
    invoice(&bob, "EUR", "1", "5000").await;
    let sums = |status: &str, currency: &str, invoices: i64, total: i64, due: i64| json!({"status": status, "currency": currency, "invoices": invoices, "total": total, "due": due});
    let expected = json!({
        "items": [
            sums("draft", "EUR", 2, 300, 0),
            sums("issued", "EUR", 1, 1000, 1000),
            sums("issued", "JPY", 1, 300, 300),
            sums("partially_paid", "EUR", 1, 2000, 1500),
        ],
        "invoices": 5
    });
    let reply = alice.get(TOTALS).await;
    assert_eq!(reply.ok(200).json(), expected);
}

/// Integer overflow (CWE-190): the sum of these two invoices exceeds 2^53 - 1. JavaScript cannot represent every larger
/// integer exactly.
#[actix_web::test]
async fn totals_that_are_too_large_are_capped() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for _ in 0..2 {
        invoice(&alice, "EUR", "1000", "90071992547.40").await;
    }
    let totals = alice.get(TOTALS).await.ok(200).json();
    assert_eq!(totals["items"][0]["total"], json!(9_007_199_254_740_991_i64));
}
