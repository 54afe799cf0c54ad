//! Ids in paths (CWE-639): of another user's object, of a missing or deleted object, and malformed ids. Every method
//! returns the same 404.

use uuid::Uuid;

use super::{make_and_delete, malformed, without_row_level_security};
use crate::support::operations::{Operation, References, collections, make, operations};
use crate::support::{Actor, TestApp, logs};

/// Values of `If-Match`. The response must be the same with each of them.
const VERSIONS: [Option<&str>; 4] = [None, Some("\"1\""), Some("\"7\""), Some("*")];

fn on_objects() -> impl Iterator<Item = Operation> {
    operations().into_iter().filter(Operation::is_on_object)
}

/// Alice sends ids of Bob's objects, of a deleted object, of her own objects of other types, and malformed ids.
/// Response, SQL statements and event are the same as for a random id. Only the event of a malformed id differs.
async fn foreign_ids_return_404_like_missing_ones(app: &TestApp, alice: &Actor, bob: &Actor) {
    let (references, mut of_types) = (References::of(alice).await, Vec::new());
    for collection in collections() {
        of_types.push((collection, make(alice, collection).await));
    }
    for operation in on_objects() {
        let collection = operation.collection();
        let own = make(alice, collection).await;
        let mut ids = vec![make(bob, collection).await, make_and_delete(app, alice, collection).await];
        let others = of_types.iter().filter(|(other, _)| *other != collection);
        ids.extend(others.map(|(_, id)| id.clone()));
        ids.extend(malformed(&own));
        ids.extend(malformed(&ids[0]));
        ids.push(ids[0].bytes().map(|byte| format!("%{byte:02x}")).collect());
        ids.push(ids[0].to_uppercase());
        let before = app.digest_all().await;
        for version in VERSIONS {
            let to = |id: &str| {
                let request = operation.request_by(alice, id, &references);
                match version {
                    Some(version) => request.header("if-match", version),
                    None => request,
                }
            };
            let missing = to(&Uuid::new_v4().to_string()).send().await;
            missing.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
            assert!(!missing.statements().is_empty());
            for id in &ids {
                let reply = to(id).send().await;
                let what = format!("{} {} {id} {version:?}", operation.method, operation.path);
                assert_eq!(reply.comparable(), missing.comparable(), "{what}");
                assert_eq!(reply.statements(), missing.statements(), "{what}");
                let [event] = reply.events().try_into().unwrap();
                assert!(
                    ["authz_fail/not_found", "authz_fail/malformed_id"].contains(&event.as_str()),
                    "{what}: {event}"
                );
            }
        }
        assert_eq!(app.digest_all().await, before, "{} {}", operation.method, operation.path);
    }
}

#[actix_web::test]
async fn foreign_object_returns_404_like_missing_one() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    foreign_ids_return_404_like_missing_ones(&app, &alice, &bob).await;
}

#[actix_web::test]
async fn scoped_queries_alone_hide_foreign_objects() {
    let app = TestApp::start().await;
    without_row_level_security(&app).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    foreign_ids_return_404_like_missing_ones(&app, &alice, &bob).await;
}

#[actix_web::test]
async fn owner_can_call_every_operation() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let references = References::of(&alice).await;
    for operation in on_objects() {
        let id = operation.make_object(&alice).await;
        let reply = operation.request_by(&alice, &id, &references).header("if-match", "\"1\"").send().await;
        assert!(reply.status.is_success(), "{} {}: {}", operation.method, operation.path, reply.text());
    }
}

#[actix_web::test]
async fn event_names_user_session_and_route() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let me = alice.get("/api/v1/me").await.ok(200).json();
    let reply = alice.get(&format!("/api/v1/invoices/{}", bob.invoice().await)).await;
    reply.assert_refused(404, "not_found");
    let lines = logs::for_request(&reply.request_id());
    let event = lines.iter().find(|line| line["target"] == "security").unwrap();
    assert_eq!(event["user"], me["id"]);
    assert!(event["session"].is_string());
    let names_route = |line: &serde_json::Value| line.to_string().contains("/api/v1/invoices/{id}");
    assert!(lines.iter().any(names_route), "the log line contains the route");
}

#[actix_web::test]
async fn foreign_session_cannot_be_revoked() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let sessions = bob.get("/api/v1/auth/sessions").await.ok(200).json();
    let id = sessions["items"][0]["id"].as_str().unwrap();
    alice.delete(&format!("/api/v1/auth/sessions/{id}"), "\"1\"").await.assert_refused(404, "not_found");
    bob.get("/api/v1/me").await.ok(200);
    bob.refresh(&app, &bob.cookie).await.ok(200);
}
