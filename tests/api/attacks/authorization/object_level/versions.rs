//! Optimistic locking with `ETag` and `If-Match` (lost update, CWE-362).

use futures_util::future::join_all;
use serde_json::json;

use crate::support::actor::draft;
use crate::support::client::Request;
use crate::support::operations::{Operation, References, make, operations};
use crate::support::{Actor, Reply, TestApp, wait};

/// Returns every operation with `If-Match`, and the id of one of Alice's objects.
async fn versioned(alice: &Actor) -> Vec<(Operation, String)> {
    let mut all = Vec::new();
    for operation in operations().into_iter().filter(|operation| operation.takes_version) {
        let id = if operation.is_on_object() { make(alice, operation.collection()).await } else { String::new() };
        all.push((operation, id));
    }
    assert!(all.len() >= 5, "too few operations that require If-Match were found");
    all
}

fn assert_discloses_nothing(reply: &Reply, what: &str) {
    assert_eq!(reply.header("etag"), None, "{what}: an error has no ETag");
    reply.assert_events(&[]);
}

#[actix_web::test]
async fn write_with_stale_or_malformed_etag_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let references = References::of(&alice).await;
    let all = versioned(&alice).await;
    let before = app.digest_all().await;
    for (operation, id) in &all {
        let what = format!("{} {}", operation.method, operation.path);
        let with = |version: &str| operation.request_by(&alice, id, &references).header("if-match", version);
        let without = operation.request_by(&alice, id, &references).send().await;
        without.assert_refused(428, "version_required");
        assert_discloses_nothing(&without, &what);
        let stale = with("\"2\"").send().await;
        stale.assert_refused(412, "stale_version");
        assert_discloses_nothing(&stale, &what);
        for malformed in ["", "1", "w/\"1\"", "\"1", "'1'", "\"1\"\"", "\" 1\"", "{}", "**", "\"1\",", "W/1", "\u{e9}"]
        {
            let reply = with(malformed).send().await;
            reply.assert_invalid_field("/If-Match").assert_events(&["input_validation_fail/invalid_input"]);
            assert_eq!(reply.header("etag"), None, "{what} {malformed}");
        }
        for unusable in [
            "*",
            "W/\"1\"",
            "\"1\", \"2\"",
            "\"1\",\"1\"",
            "\"\"",
            "\"01x\"",
            // RFC 9110 §8.8.3.2 compares characters, so `"01"` and `"1"` are different tags.
            "\"01\"",
            "\"+1\"",
            "\"1.0\"",
            "\"0\"",
            "\"-1\"",
            "\"99999999999999999999\"",
        ] {
            let reply = with(unusable).send().await;
            assert_eq!(reply.comparable(), stale.comparable(), "{what} {unusable}");
            assert_discloses_nothing(&reply, &what);
        }
        let twice: Request = with("\"1\"").header("if-match", "\"1\"");
        assert_eq!(twice.send().await.comparable(), stale.comparable(), "{what}: the header is repeated");
    }
    assert_eq!(app.digest_all().await, before);
    for (operation, id) in &all {
        let reply = operation.request_by(&alice, id, &references).header("if-match", "\"1\"").send().await;
        assert!(reply.status.is_success(), "{} {}: {}", operation.method, operation.path, reply.text());
    }
}

#[actix_web::test]
async fn write_makes_the_old_etag_stale() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let path = format!("/api/v1/customers/{}", alice.customer().await);
    let first = alice.patch(&path, "\"1\"", &json!({"name": "First"})).await.ok(200);
    assert_eq!(first.header("etag"), Some("\"2\""));
    alice.patch(&path, "\"1\"", &json!({"name": "Second"})).await.assert_refused(412, "stale_version");
    alice.delete(&path, "\"1\"").await.assert_refused(412, "stale_version");
    let now = alice.get(&path).await.ok(200);
    assert_eq!((now.json()["name"].as_str(), now.header("etag")), (Some("First"), Some("\"2\"")));
    alice.delete(&path, "\"2\"").await.ok(204);
}

/// Sends the requests in parallel, and returns the reply of the request that succeeds.
/// Holds a row lock until all requests wait for it, so that they always race.
async fn assert_one_succeeds(app: &TestApp, row: &str, requests: Vec<Request>) -> Reply {
    let many = requests.len() as i64;
    let mut held = app.all_rows.begin().await.unwrap();
    let hold = format!("select from {row} for update");
    sqlx::query(sqlx::AssertSqlSafe(hold)).execute(&mut *held).await.unwrap();
    let release = async {
        wait::until_blocked(app, many).await;
        held.rollback().await.unwrap();
    };
    let (replies, ()) = tokio::join!(join_all(requests.into_iter().map(Request::send)), release);
    let (mut won, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status.is_success());
    for reply in lost {
        reply.assert_refused(412, "stale_version");
    }
    assert_eq!(won.len(), 1);
    won.remove(0)
}

#[actix_web::test]
async fn only_one_of_parallel_writes_succeeds() {
    let app = TestApp::with(&[("STRONGROOM_HTTP_WORKERS", "4")]).await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;

    let invoice = format!("/api/v1/invoices/{}", alice.invoice().await);
    let replacements = (0..8).map(|n| {
        let mut body = draft(&customer);
        body["notes"] = json!(format!("note {n}"));
        alice.request(reqwest::Method::PUT, &invoice).header("if-match", "\"1\"").json(&body)
    });
    let won = assert_one_succeeds(&app, "invoices", replacements.collect()).await;
    let stored = alice.get(&invoice).await.ok(200);
    assert_eq!((stored.json(), stored.header("etag")), (won.json(), Some("\"2\"")));
    assert_eq!(stored.json()["lines"].as_array().unwrap().len(), 2, "the invoice has the lines of one request only");

    let own = format!("/api/v1/customers/{customer}");
    let row = format!("customers where id = '{customer}'");
    for (path, row, field) in [(own.as_str(), row.as_str(), "name"), ("/api/v1/me", "users", "display_name")] {
        let changes = (0..8).map(|n| {
            let body = json!({field: format!("Name {n}")});
            alice.request(reqwest::Method::PATCH, path).header("if-match", "\"1\"").json(&body)
        });
        let won = assert_one_succeeds(&app, row, changes.collect()).await;
        let stored = alice.get(path).await.ok(200);
        assert_eq!((stored.json(), stored.header("etag")), (won.json(), Some("\"2\"")), "{path}");
    }
}

/// Two requests replace and delete the same version of an invoice.
#[actix_web::test]
async fn only_one_of_parallel_write_and_deletion_succeeds() {
    let app = TestApp::with(&[("STRONGROOM_HTTP_WORKERS", "2")]).await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    for _ in 0..5 {
        let path = format!("/api/v1/invoices/{}", alice.invoice().await);
        let body = draft(&customer);
        let (put, deleted) = tokio::join!(alice.put(&path, "\"1\"", &body), alice.delete(&path, "\"1\""));
        if put.status == 200 {
            deleted.assert_refused(412, "stale_version");
            alice.get(&path).await.ok(200);
        } else {
            put.assert_refused(404, "not_found");
            deleted.ok(204);
            alice.get(&path).await.assert_refused(404, "not_found");
        }
    }
}
