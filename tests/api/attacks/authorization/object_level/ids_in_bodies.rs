//! Foreign ids in bodies (CWE-639). The service refuses them, and the response is the same for foreign and missing objects.

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{make_and_delete, malformed, without_row_level_security};
use crate::support::actor::draft;
use crate::support::{Actor, TestApp};

const INVALID: &str = "input_validation_fail/invalid_input";

async fn foreign_customer_ids_are_refused(app: &TestApp, alice: &Actor, bob: &Actor) {
    let own = alice.customer().await;
    let mut ids = vec![
        bob.customer().await,
        make_and_delete(app, alice, "/api/v1/customers").await,
        // This object is Alice's own, but of another type.
        alice.invoice().await,
    ];
    ids.push(ids[0].to_uppercase());
    ids.extend(malformed(&own));
    let invoice = format!("/api/v1/invoices/{}", alice.invoice().await);
    let before = app.digest_all().await;
    for (method, path) in [(Method::POST, "/api/v1/invoices"), (Method::PUT, invoice.as_str())] {
        let send = |customer: &str| {
            alice.request(method.clone(), path).header("if-match", "\"1\"").json(&draft(customer)).send()
        };
        let missing = send(&Uuid::new_v4().to_string()).await;
        missing.assert_invalid_field("/customer_id").assert_events(&[INVALID]);
        for id in &ids {
            let reply = send(id).await;
            assert_eq!(reply.comparable(), missing.comparable(), "{method} with {id}");
            assert_eq!(reply.statements(), missing.statements(), "{method} with {id}");
            reply.assert_events(&[INVALID]);
        }
    }
    assert_eq!(app.digest_all().await, before);
    alice.post("/api/v1/invoices", &draft(&own)).await.ok(201);
    alice.put(&invoice, "\"1\"", &draft(&own)).await.ok(200);
}

#[actix_web::test]
async fn foreign_customer_id_in_body_is_refused_like_missing_one() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    foreign_customer_ids_are_refused(&app, &alice, &bob).await;
}

#[actix_web::test]
async fn composite_key_alone_refuses_foreign_customer() {
    let app = TestApp::start().await;
    without_row_level_security(&app).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    foreign_customer_ids_are_refused(&app, &alice, &bob).await;
}

#[actix_web::test]
async fn id_of_another_json_type_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = app.digest_all().await;
    for value in [json!(null), json!(1), json!(true), json!(["a"]), json!({"id": "a"})] {
        let mut body = draft("");
        body["customer_id"] = value;
        let reply = alice.post("/api/v1/invoices", &body).await;
        reply.assert_invalid_field("/customer_id").assert_events(&[INVALID]);
        assert!(reply.statements().is_empty());
    }
    assert_eq!(app.digest_all().await, before);
}

/// Bob writes to Alice's invoice, with a customer of Bob's or of Alice's. The response is the same as for a missing invoice.
#[actix_web::test]
async fn foreign_invoice_returns_404_for_every_customer_id() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (own, foreign) = (bob.customer().await, alice.customer().await);
    let path = format!("/api/v1/invoices/{}", alice.invoice().await);
    let before = app.digest_all().await;
    let missing = bob.put(&format!("/api/v1/invoices/{}", Uuid::new_v4()), "\"1\"", &draft(&own)).await;
    for customer in [foreign, own, Uuid::new_v4().to_string()] {
        let reply = bob.put(&path, "\"1\"", &draft(&customer)).await;
        reply.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
        assert_eq!(reply.comparable(), missing.comparable());
        assert_eq!(reply.statements(), missing.statements());
    }
    assert_eq!(app.digest_all().await, before);
}

/// Tries foreign invoice ids in the request that attaches a document to an invoice. `attacks::files::uploads::forms` tries them in
/// the form of an upload.
async fn foreign_invoice_ids_are_refused(app: &TestApp) {
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (own, foreign) = (alice.invoice().await, bob.invoice().await);
    let path = format!("/api/v1/documents/{}", alice.document().await);
    let mut ids = vec![foreign, make_and_delete(app, &alice, "/api/v1/invoices").await, alice.customer().await];
    ids.extend(malformed(&own));
    let before = app.digest_all().await;
    let attach = |id: &str| {
        let body = json!({"invoice_id": id});
        alice.request(Method::PATCH, &path).header("if-match", "\"1\"").json(&body).send()
    };
    let missing = attach(&Uuid::new_v4().to_string()).await;
    missing.assert_invalid_field("/invoice_id").assert_events(&[INVALID]);
    for id in &ids {
        let reply = attach(id).await;
        assert_eq!(reply.comparable(), missing.comparable(), "{id}");
        assert_eq!(reply.statements(), missing.statements(), "{id}");
        reply.assert_events(&[INVALID]);
    }
    assert_eq!(app.digest_all().await, before);
    attach(&own).await.ok(200);
}

#[actix_web::test]
async fn foreign_invoice_id_of_a_document_is_refused_like_missing_one() {
    let app = TestApp::start().await;
    foreign_invoice_ids_are_refused(&app).await;
}

#[actix_web::test]
async fn composite_key_alone_refuses_foreign_invoice_of_a_document() {
    let app = TestApp::start().await;
    without_row_level_security(&app).await;
    foreign_invoice_ids_are_refused(&app).await;
}
