//! Live events report changes of the user's own objects, also those that another replica made.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgExecutor;
use strongroom::base::id::UserId;

use crate::attacks::detection::alerts::{denials, raise};
use crate::support::actor::payment;
use crate::support::socket::Socket;
use crate::support::{Actor, TestApp, wait};

/// Replicas need the same keys to verify each other's tokens.
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
    // A ticket is valid on every replica.
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
    assert_eq!(
        socket.receive().await,
        event("invoice", id, 2, "updated"),
        "issuing assigns the number in the same change, so there is one event"
    );
    alice.post(&format!("{path}/payments"), &payment(1)).await.ok(201);
    assert_eq!(socket.receive().await, event("invoice", id, 3, "updated"), "a payment changes its invoice");
    let other = alice.customer().await;
    assert_eq!(socket.receive().await, event("customer", &other, 1, "created"));
    alice.delete(&format!("/api/v1/customers/{other}"), "\"1\"").await.ok(204);
    assert_eq!(socket.receive().await, event("customer", &other, 1, "deleted"));
}

#[actix_web::test]
async fn alerts_are_delivered_to_administrators_on_every_replica() {
    let (here, there) = replicas().await;
    let root = here.admin("root").await;
    let mut sockets = [Socket::connect(&here, &root).await, Socket::connect(&there, &root).await];
    for socket in &mut sockets {
        assert_eq!(socket.subscribe("alerts", None).await, json!({"type": "subscribed", "object": "alerts"}));
    }
    let attacker = UserId::new();
    raise(&here, &denials(attacker, 20)).await;
    let alert = root.get("/api/v1/admin/alerts").await.ok(200).json()["items"][0]["id"].clone();
    let alert = alert.as_str().unwrap();
    for socket in &mut sockets {
        assert_eq!(socket.receive().await, event("alert", alert, 1, "created"));
    }
    // An alert sends a live event only when it opens or clears, so these denials send none.
    raise(&here, &denials(attacker, 30)).await;
    here.replica().alerts.summarise_and_clear(here.clock.now() + TimeDelta::minutes(6)).await.unwrap();
    for socket in &mut sockets {
        assert_eq!(socket.receive().await, event("alert", alert, 2, "updated"));
    }
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
        "the deletion of a draft changes the documents that were attached to it"
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

/// After a failover, the new server may lack changes that clients know. So clients must load their objects again.
#[actix_web::test]
async fn lost_database_connection_recovers_and_clients_resync() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut socket = Socket::connect(&app, &alice).await;
    socket.subscribe("customers", None).await;
    let ended = sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = $1 and application_name = 'strongroom live changes'",
    )
    .bind(app.database.name())
    .execute(&app.all_rows)
    .await
    .unwrap();
    assert_eq!(ended.rows_affected(), 1);
    assert_eq!(socket.receive().await, json!({"type": "resync"}));
    let customer = alice.customer().await;
    assert_eq!(socket.receive().await, event("customer", &customer, 1, "created"));
}

/// Renames a customer by SQL, so that the service learns nothing. This simulates a crash right after the commit.
async fn rename(executor: impl PgExecutor<'_>, customer: &str) {
    let renamed = sqlx::query("update customers set name = 'Renamed', version = version + 1 where id = $1::uuid")
        .bind(customer)
        .execute(executor)
        .await
        .unwrap();
    assert_eq!(renamed.rows_affected(), 1);
}

/// The second transaction commits while the first transaction is still open, and the service reads the second change.
/// If the service then continued after the second transaction, it would miss the first change.
/// If it continued with the first transaction, it would report the second change twice.
#[actix_web::test]
async fn change_that_commits_late_is_delivered_exactly_once() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (late, early, last) = (alice.customer().await, alice.customer().await, alice.customer().await);
    let mut socket = Socket::connect(&app, &alice).await;
    socket.subscribe("customers", None).await;
    let mut slow = app.all_rows.begin().await.unwrap();
    rename(&mut *slow, &late).await;
    rename(&app.all_rows, &early).await;
    assert_eq!(socket.receive().await, event("customer", &early, 2, "updated"));
    rename(&app.all_rows, &last).await;
    assert_eq!(socket.receive().await, event("customer", &last, 2, "updated"));
    slow.commit().await.unwrap();
    assert_eq!(socket.receive().await, event("customer", &late, 2, "updated"));
    alice.delete(&format!("/api/v1/customers/{last}"), "\"2\"").await.ok(204);
    assert_eq!(socket.receive().await, event("customer", &last, 2, "deleted"));
}

#[actix_web::test]
async fn rolled_back_change_is_not_delivered() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (kept, other) = (alice.customer().await, alice.customer().await);
    let mut socket = Socket::connect(&app, &alice).await;
    socket.subscribe("customers", None).await;
    let mut transaction = app.all_rows.begin().await.unwrap();
    rename(&mut *transaction, &kept).await;
    transaction.rollback().await.unwrap();
    rename(&app.all_rows, &other).await;
    assert_eq!(socket.receive().await, event("customer", &other, 2, "updated"));
}

/// A commit with a notification takes a lock of the whole PostgreSQL cluster, so such commits must be rare.
#[actix_web::test]
async fn only_ends_of_sessions_notify_in_their_transaction() {
    let app = TestApp::start().await;
    let notifying: Vec<String> = sqlx::query_scalar(
        "select proname::text from pg_proc where pronamespace = 'public'::regnamespace and prosrc ~* 'notify'",
    )
    .fetch_all(&app.all_rows)
    .await
    .unwrap();
    assert_eq!(notifying, ["announce_ended_session"]);
    let alice = app.user("alice").await;
    let created = alice.post("/api/v1/customers", &json!({"name": "Acme", "default_currency": "EUR"})).await.ok(201);
    assert!(!created.statements().iter().any(|statement| statement.contains("notify")));
}

#[actix_web::test]
async fn replica_without_sockets_reads_no_changes() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let connections = async || {
        sqlx::query_scalar::<_, i64>(
            "select count(*) from pg_stat_activity
             where datname = $1 and application_name = 'strongroom live changes'",
        )
        .bind(app.database.name())
        .fetch_one(&app.all_rows)
        .await
        .unwrap()
    };
    assert_eq!(connections().await, 0);
    let socket = Socket::connect(&app, &alice).await;
    assert_eq!(connections().await, 1);
    drop(socket);
    wait::until_equal(0, connections).await;
}

/// One `insert` makes more changes than can wait for a user's sockets. The client must get `resync`.
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
    // This statement makes more changes than the service reads into memory at once.
    let made = made.replace("2000", "5000");
    sqlx::query(sqlx::AssertSqlSafe(made)).bind(&alice.email).execute(&app.all_rows).await.unwrap();
    assert_eq!(socket.receive().await, json!({"type": "resync"}));
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
