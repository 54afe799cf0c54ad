//! Ids in bodies (CWE-639): ids of the wrong JSON type, and ids in requests whose path has the id of another user's
//! object. [`every_id`](super::every_id) tries the ids of other users' objects in every body.

use serde_json::json;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::actor::draft;

const INVALID: &str = "input_validation_fail/invalid_input";

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

/// Bob writes to Alice's invoice, with the id of Alice's customer, of Bob's customer, or of no customer.
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
