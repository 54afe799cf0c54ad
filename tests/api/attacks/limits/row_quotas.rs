//! Row quotas (API4): each account can create only a limited number of rows.

use reqwest::Method;
use serde_json::json;

use crate::support::actor::{draft, payment};
use crate::support::operations::{References, collections, operations};
use crate::support::{Actor, Reply, TestApp};

const QUOTAS: [(&str, &str); 1] = [("STRONGROOM_QUOTAS_ROWS", "3")];

async fn customer(actor: &Actor) -> Reply {
    actor.post("/api/v1/customers", &json!({"name": "Acme", "default_currency": "EUR"})).await
}

#[actix_web::test]
async fn create_beyond_the_quota_is_refused_and_changes_nothing() {
    let app = TestApp::with(&QUOTAS).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let on = alice.customer().await;
    let mut invoices = Vec::new();
    for _ in 0..3 {
        let created = alice.post("/api/v1/invoices", &draft(&on)).await.ok(201).json();
        invoices.push(created["id"].as_str().unwrap().to_owned());
    }
    for _ in 0..2 {
        customer(&alice).await.ok(201);
    }
    let invoice = &invoices[0];
    let issue = format!("/api/v1/invoices/{invoice}/issue");
    alice.request(Method::POST, &issue).header("if-match", "\"1\"").send().await.ok(200);
    let payments = format!("/api/v1/invoices/{invoice}/payments");
    let credit_notes = format!("/api/v1/invoices/{invoice}/credit-notes");
    let credit = json!({"lines": [{"line": 1, "amount": 1}]});
    for _ in 0..3 {
        alice.post(&payments, &payment(1)).await.ok(201);
        alice.post(&credit_notes, &credit).await.ok(201);
    }

    let before = app.digest_all().await;
    for refused in [
        customer(&alice).await,
        alice.post("/api/v1/invoices", &draft(&on)).await,
        alice.post(&payments, &payment(1)).await,
        alice.post(&credit_notes, &credit).await,
    ] {
        refused.assert_refused(409, "quota_exceeded").assert_events(&["sequence_fail/quota_exceeded"]);
    }
    assert_eq!(app.digest_all().await, before);
    // Only the owner's rows count, so Bob can still create an invoice.
    bob.invoice().await;
    alice.delete(&format!("/api/v1/invoices/{}", invoices[1]), "\"1\"").await.ok(204);
    alice.post("/api/v1/invoices", &draft(&on)).await.ok(201);
    alice.post("/api/v1/invoices", &draft(&on)).await.assert_refused(409, "quota_exceeded");
}

/// Other tests attack payments, credit notes and documents.
#[actix_web::test]
async fn every_collection_refuses_a_create_beyond_the_quota() {
    let app = TestApp::with(&[("STRONGROOM_QUOTAS_ROWS", "10")]).await;
    let alice = app.user("alice").await;
    let (references, collections) = (References::of(&alice).await, collections());
    let mut tried = 0;
    for create in operations().iter().filter(|row| row.method == Method::POST && collections.contains(row.path)) {
        let Some(body) = create.valid_body(&references) else { continue };
        for _ in 0..10 {
            alice.post(create.path, &body).await;
        }
        alice.post(create.path, &body).await.assert_refused(409, "quota_exceeded");
        tried += 1;
    }
    assert!(tried >= 2, "{tried}");
}

/// A retry with the same idempotency key creates no row, so the quota must not refuse it.
#[actix_web::test]
async fn repeated_create_at_the_quota_returns_the_first_response() {
    let app = TestApp::with(&QUOTAS).await;
    let alice = app.user("alice").await;
    let keyed = async || {
        let body = json!({"name": "Acme", "default_currency": "EUR"});
        alice.request(Method::POST, "/api/v1/customers").header("idempotency-key", "k").json(&body).send().await
    };
    let first = keyed().await.ok(201);
    for _ in 0..2 {
        customer(&alice).await.ok(201);
    }
    customer(&alice).await.assert_refused(409, "quota_exceeded");
    assert_eq!(keyed().await.comparable(), first.comparable());
}

/// Counting rows is expensive, so one count serves up to a thousand creates.
#[actix_web::test]
async fn rows_are_counted_once_for_many_creates() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let counts = |reply: &Reply| reply.statements().iter().filter(|statement| statement.contains("count(*)")).count();
    let mut counted = Vec::new();
    for _ in 0..20 {
        let reply = customer(&alice).await.ok(201);
        counted.push(counts(&reply));
        assert!(
            !reply.statements().iter().any(|text| text.starts_with("update")),
            "a create must write only the new row"
        );
    }
    assert_eq!((counted[0], counted.iter().sum::<usize>()), (1, 1));
}
