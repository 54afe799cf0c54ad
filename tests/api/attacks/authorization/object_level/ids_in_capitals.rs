//! An id in upper case is the same id (RFC 9562 §4). Another spelling must bypass no lock, counter or log (CWE-178).

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::actor::{draft, payment};
use crate::support::form::Form;
use crate::support::operations::{Operation, References, operations};
use crate::support::socket::Socket;
use crate::support::{TestApp, wait};

#[actix_web::test]
async fn upper_case_id_in_path_names_the_same_object() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let references = References::of(&alice).await;
    for operation in operations().into_iter().filter(Operation::is_on_object) {
        let id = operation.make_object(&alice).await;
        let reply =
            operation.request_by(&alice, &id.to_uppercase(), &references).header("if-match", "\"1\"").send().await;
        assert!(reply.status.is_success(), "{} {}: {}", operation.method, operation.path, reply.text());
    }
}

#[actix_web::test]
async fn upper_case_id_in_body_form_and_query_names_the_same_object() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    let draft = alice.post("/api/v1/invoices", &draft(&customer.to_uppercase())).await.ok(201).json();
    assert_eq!(draft["customer_id"], customer, "the response contains the id in its canonical form");
    let invoice = draft["id"].as_str().unwrap().to_owned();
    let form = Form::valid().text("invoice_id", &invoice.to_uppercase());
    let document = alice.upload(form).await.ok(201).json();
    assert_eq!(document["invoice_id"], invoice);
    let path = format!("/api/v1/documents/{}", document["id"].as_str().unwrap());
    let attached = alice.patch(&path, "\"1\"", &json!({"invoice_id": invoice.to_uppercase()})).await.ok(200).json();
    assert_eq!(attached["invoice_id"], invoice);
    for list in [format!("invoices?customer_id={customer}"), format!("documents?invoice_id={invoice}")] {
        let (name, id) = list.split_once('=').unwrap();
        let found = alice.get(&format!("/api/v1/{name}={}", id.to_uppercase())).await.ok(200).json();
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "{list}");
    }
    let mut socket = Socket::connect(&app, &alice).await;
    let answer = socket.subscribe("invoice", Some(&invoice.to_uppercase())).await;
    assert_eq!(answer, json!({"type": "subscribed", "object": "invoice", "id": invoice}));
}

/// A client repeats a payment with the same idempotency key, but with another spelling of the id in the path.
#[actix_web::test]
async fn idempotency_key_is_bound_to_the_object_not_the_spelling_of_its_id() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = alice.invoice().await;
    let issue = alice.request(Method::POST, &format!("/api/v1/invoices/{invoice}/issue"));
    issue.header("if-match", "\"1\"").send().await.ok(200);
    let pay = async |id: &str| {
        let path = format!("/api/v1/invoices/{id}/payments");
        alice.request(Method::POST, &path).header("idempotency-key", "k").json(&payment(1)).send().await.ok(201)
    };
    let first = pay(&invoice).await;
    let encoded: String = invoice.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for spelling in [invoice.to_uppercase(), encoded] {
        assert_eq!(pay(&spelling).await.comparable(), first.comparable(), "{spelling}");
    }
    let payments: i64 = sqlx::query_scalar("select count(*) from payments").fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(payments, 1);
}

#[actix_web::test]
async fn probing_with_upper_case_ids_records_the_same_foreign_object() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let invoice = bob.invoice().await;
    for id in [invoice.clone(), invoice.to_uppercase()] {
        let reply = alice.get(&format!("/api/v1/invoices/{id}")).await;
        reply.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
        assert_eq!(object_of(&app, &reply.request_id()).await, (invoice.parse().unwrap(), "foreign".to_owned()));
    }
}

/// Returns object id and class in the event of this request.
async fn object_of(app: &TestApp, request: &str) -> (Uuid, String) {
    let request: Uuid = request.parse().unwrap();
    let sql = "select object_id, object_class from security_events where request_id = $1";
    wait::until_some("its row", async || sqlx::query_as(sql).bind(request).fetch_optional(&app.all_rows).await.unwrap())
        .await
}
