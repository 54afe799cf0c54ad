//! Live events report changes of the user's own objects, made on any replica.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::payment;
use crate::support::socket::Socket;
use crate::support::{Actor, TestApp};

/// All replicas have the same keys.
const KEYS: [(&str, &str); 2] = [
    ("STRONGROOM_SECRETS_MASTER_KEY", "q9Xv3TzK7mWb1LcR5nYd8sHf2JgP6uEa0oIiVxNtQwZr4BkM"),
    ("STRONGROOM_JWT_KEY", "hU6yGt5RfE4dWs3QaZx2CvB1nMkL0pOi9uJ8hY7gTfR6eDw5"),
];

async fn replicas() -> (TestApp, TestApp) {
    let first = TestApp::with(&KEYS).await;
    let second = TestApp::on(first.database.clone(), &KEYS).await;
    second.wait_until_listening().await;
    (first, second)
}

fn event(object: &str, id: &str, version: i64, what: &str) -> Value {
    json!({"type": "event", "object": object, "id": id, "version": version, "what": what})
}

#[actix_web::test]
async fn change_on_one_replica_is_delivered_on_the_other() {
    let (here, there) = replicas().await;
    let alice = here.user("alice").await;
    // A ticket of one replica is valid on the other.
    let mut socket = Socket::connect(&there, &alice).await;
    socket.subscribe("invoices", None).await;
    socket.subscribe("customers", None).await;

    let customer = alice.customer().await;
    assert_eq!(socket.receive().await, event("customer", &customer, 1, "created"));
    let invoice = alice.post("/api/v1/invoices", &crate::support::actor::draft(&customer)).await.ok(201).json();
    let id = invoice["id"].as_str().unwrap();
    assert_eq!(socket.receive().await, event("invoice", id, 1, "created"));
    let path = format!("/api/v1/invoices/{id}");
    alice.request(Method::POST, &format!("{path}/issue")).header("if-match", "\"1\"").send().await.ok(200);
    assert_eq!(socket.receive().await, event("invoice", id, 2, "updated"), "numbering and issuing are one change");
    alice.post(&format!("{path}/payments"), &payment(1)).await.ok(201);
    assert_eq!(socket.receive().await, event("invoice", id, 3, "updated"), "a payment is a change of its invoice");
    let other = alice.customer().await;
    assert_eq!(socket.receive().await, event("customer", &other, 1, "created"));
    alice.delete(&format!("/api/v1/customers/{other}"), "\"1\"").await.ok(204);
    assert_eq!(socket.receive().await, event("customer", &other, 1, "deleted"));
}

#[actix_web::test]
async fn document_events_cover_upload_update_and_deletion() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = alice.invoice().await;
    let mut socket = Socket::connect(&app, &alice).await;
    assert_eq!(socket.subscribe("documents", None).await, json!({"type": "subscribed", "object": "documents"}));
    let id = alice.document().await;
    let path = format!("/api/v1/documents/{id}");
    assert_eq!(socket.receive().await, event("document", &id, 1, "created"));
    alice.patch(&path, "\"1\"", &json!({"invoice_id": invoice})).await.ok(200);
    assert_eq!(socket.receive().await, event("document", &id, 2, "updated"));
    alice.delete(&format!("/api/v1/invoices/{invoice}"), "\"1\"").await.ok(204);
    assert_eq!(
        socket.receive().await,
        event("document", &id, 3, "updated"),
        "the deletion of its draft changes the document"
    );
    alice.delete(&path, "\"3\"").await.ok(204);
    assert_eq!(socket.receive().await, event("document", &id, 3, "deleted"));
}

#[actix_web::test]
async fn only_subscribed_objects_are_delivered() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (one, other) = (alice.customer().await, alice.customer().await);
    let rename = async |id: &str, version: &str| {
        let reply = alice.patch(&format!("/api/v1/customers/{id}"), version, &json!({"name": "Renamed"})).await;
        reply.ok(200);
    };
    let mut socket = Socket::connect(&app, &alice).await;
    let subscribed = json!({"type": "subscribed", "object": "customer", "id": one});
    assert_eq!(socket.subscribe("customer", Some(&one)).await, subscribed);
    rename(&other, "\"1\"").await;
    rename(&one, "\"1\"").await;
    assert_eq!(socket.receive().await, event("customer", &one, 2, "updated"));
    let unsubscribe = json!({"type": "unsubscribe", "object": "customer", "id": one});
    assert_eq!(socket.request(&unsubscribe).await["type"], "unsubscribed");
    rename(&one, "\"2\"").await;
    assert_eq!(socket.subscribe("invoices", None).await["type"], "subscribed", "no event arrives in between");
}

/// Notifications during the outage are lost, so clients get `resync`.
#[actix_web::test]
async fn lost_database_listener_recovers_and_clients_resync() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut socket = Socket::connect(&app, &alice).await;
    socket.subscribe("customers", None).await;
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and query ilike 'listen %'")
        .bind(app.database.name())
        .execute(&app.all_rows)
        .await
        .unwrap();
    assert_eq!(socket.receive().await, json!({"type": "resync"}));
    let customer = alice.customer().await;
    assert_eq!(socket.receive().await, event("customer", &customer, 1, "created"));
}

/// One `resync` replaces more changes than the queue can hold.
#[actix_web::test]
async fn slow_client_gets_resync() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut socket = Socket::connect(&app, &alice).await;
    socket.subscribe("customers", None).await;
    let made = "insert into customers (id, owner_id, name, default_currency, created_at, updated_at)
        select gen_random_uuid(), id, 'x', 'EUR', now(), now() from users, generate_series(1, 2000) where email = $1";
    sqlx::query(made).bind(&alice.email).execute(&app.all_rows).await.unwrap();
    let mut events = 0;
    while socket.receive().await["type"] != "resync" {
        events += 1;
    }
    assert!(events < 2_000, "{events}");
}

#[actix_web::test]
async fn session_ended_on_one_replica_closes_its_sockets_on_the_other() {
    let (here, there) = replicas().await;
    let alice = here.user("alice").await;
    let other = Actor::sign_in(&here.anonymous(), &alice.email, &alice.password).await;
    let mut socket = Socket::connect(&there, &other).await;
    other.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
    assert_eq!(socket.close_code().await, 4401);
}
