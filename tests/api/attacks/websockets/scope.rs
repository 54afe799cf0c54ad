//! BOLA by ids in messages (API1): the reply to a foreign id has the same bytes as for an id that no object has. Events
//! about objects of other users are not delivered.

use chrono::TimeDelta;
use serde_json::json;
use strongroom::base::id::UserId;

use crate::attacks::detection::alerts::{denials, raise};
use crate::support::socket::{Socket, ticket};
use crate::support::{Actor, TestApp};

async fn change(actor: &Actor, customer: &str) {
    actor.patch(&format!("/api/v1/customers/{customer}"), "\"1\"", &json!({"name": "Changed"})).await.ok(200);
}

#[actix_web::test]
async fn foreign_object_gets_not_found_like_a_missing_one() {
    let app = TestApp::start().await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let invoice = alice.invoice().await;
    let customer = alice.customer().await;
    let document = alice.document().await;
    let mut socket = Socket::connect(&app, &mallory).await;
    let before = app.digest_all().await;
    let mut answers = Vec::new();
    for (object, id) in [
        ("invoice", invoice.as_str()),
        ("customer", customer.as_str()),
        ("document", document.as_str()),
        ("invoice", document.as_str()),
        ("invoice", customer.as_str()),
        ("invoice", &uuid::Uuid::new_v4().to_string()),
        ("invoice", &invoice.to_uppercase()),
        ("invoice", &invoice.replace('-', "")),
        ("customer", "1 or 1=1"),
        ("customer", ""),
    ] {
        socket.send(&json!({"type": "subscribe", "object": object, "id": id})).await;
        answers.push(socket.text().await);
    }
    assert!(answers.iter().all(|answer| answer == r#"{"type":"error","code":"not_found"}"#), "{answers:?}");
    let events = socket.wait_for_event("authz_fail/live_subscription").await;
    assert_eq!(events, vec!["authz_fail/live_subscription"; answers.len()]);
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn events_of_other_users_are_not_delivered() {
    let app = TestApp::start().await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let foreign = alice.customer().await;
    let mut socket = Socket::connect(&app, &mallory).await;
    for object in ["invoices", "customers", "documents"] {
        assert_eq!(socket.subscribe(object, None).await, json!({"type": "subscribed", "object": object}));
    }
    socket.subscribe("customer", Some(&foreign)).await;
    change(&alice, &foreign).await;
    alice.invoice().await;
    alice.document().await;
    // Mallory's customer is created last, so an event about Alice's object would arrive first.
    let own = mallory.customer().await;
    let event = socket.receive().await;
    assert_eq!(event, json!({"type": "event", "object": "customer", "id": own, "version": 1, "what": "created"}));
}

/// The attacker writes a forged row into the table of changes. The service reads the object with the rights of the
/// socket's user, so it finds no foreign object.
#[actix_web::test]
async fn forged_change_reveals_no_foreign_object() {
    let app = TestApp::start().await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let foreign = alice.customer().await;
    let mut socket = Socket::connect(&app, &mallory).await;
    socket.subscribe("customers", None).await;
    let owner: uuid::Uuid = sqlx::query_scalar("select id from users where email = $1")
        .bind(&mallory.email)
        .fetch_one(&app.all_rows)
        .await
        .unwrap();
    for what in ["created", "updated"] {
        sqlx::query("insert into object_changes (change) values ($1)")
            .bind(format!("customer {what} {owner} {foreign} 7"))
            .execute(&app.all_rows)
            .await
            .unwrap();
    }
    let own = mallory.customer().await;
    assert_eq!(socket.receive().await["id"], own);
}

#[actix_web::test]
async fn guessing_ids_closes_the_socket() {
    let app = TestApp::start().await;
    let mallory = app.user("mallory").await;
    let mut socket = Socket::connect(&app, &mallory).await;
    for _ in 0..1_000 {
        socket.send(&json!({"type": "subscribe", "object": "invoice", "id": uuid::Uuid::new_v4()})).await;
    }
    assert_eq!(socket.close_code().await, 4429);
    let events = socket.wait_for_event("excess_rate_limit_exceeded/live_").await;
    let denied = events.iter().filter(|event| *event == "authz_fail/live_subscription").count();
    assert!(denied <= 60, "{denied}");
}

/// A socket accepts only tickets of its own session.
#[actix_web::test]
async fn ticket_of_another_session_cannot_renew() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let other_session = Actor::sign_in(&app.anonymous(), &alice.email, &alice.password).await;
    app.clock.advance(TimeDelta::seconds(1));
    for other in [&bob, &other_session] {
        let mut socket = Socket::connect(&app, &alice).await;
        let ticket = ticket(other).await;
        socket.send(&json!({"type": "renew", "ticket": ticket})).await;
        assert_eq!(socket.close_code().await, 4401);
        socket.wait_for_event("authz_fail/live_renewal").await;
    }
}

/// API5: alerts are for administrators.
#[actix_web::test]
async fn users_cannot_subscribe_to_alerts() {
    let app = TestApp::start().await;
    let (mallory, demoted) = (app.user("mallory").await, app.admin("demoted").await);
    app.demote(&demoted).await;
    for user in [&mallory, &demoted] {
        let mut socket = Socket::connect(&app, user).await;
        assert_eq!(socket.subscribe("alerts", None).await, json!({"type": "error", "code": "forbidden"}));
        assert_eq!(socket.wait_for_event("authz_fail").await, ["authz_fail/forbidden"]);
        // A subscription to a single alert does not exist, so its refusal reveals nothing.
        let one = socket.subscribe("alert", Some(&uuid::Uuid::new_v4().to_string())).await;
        assert_eq!(one, json!({"type": "error", "code": "invalid_input"}));
        assert_eq!(socket.subscribe("customers", None).await["type"], "subscribed");
        raise(&app, &denials(UserId::new(), 20)).await;
        let own = user.customer().await;
        assert_eq!(socket.receive().await["id"], own, "the alert was not delivered");
    }
}

/// The service reads the role again before each alert.
#[actix_web::test]
async fn demoted_administrator_receives_no_more_alerts() {
    let app = TestApp::start().await;
    let (root, demoted) = (app.admin("root").await, app.admin("demoted").await);
    let mut sockets = [Socket::connect(&app, &root).await, Socket::connect(&app, &demoted).await];
    for socket in &mut sockets {
        assert_eq!(socket.subscribe("alerts", None).await, json!({"type": "subscribed", "object": "alerts"}));
        assert_eq!(socket.subscribe("customers", None).await["type"], "subscribed");
    }
    let [roots, theirs] = &mut sockets;
    raise(&app, &denials(UserId::new(), 20)).await;
    for socket in [&mut *roots, &mut *theirs] {
        assert_eq!(socket.receive().await["object"], "alert");
    }
    app.demote(&demoted).await;
    raise(&app, &denials(UserId::new(), 20)).await;
    assert_eq!(roots.receive().await["object"], "alert");
    let own = demoted.customer().await;
    assert_eq!(theirs.receive().await["id"], own, "the alert was not delivered");
}
