//! `Idempotency-Key`: a repeated request takes effect once. A key belongs to its owner, its route and its body.

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};

use crate::support::actor::{draft, payment};
use crate::support::form::Form;
use crate::support::{Actor, Reply, TestApp};

async fn post(actor: &Actor, path: &str, key: &str, body: &Value) -> Reply {
    actor.request(Method::POST, path).header("idempotency-key", key).json(body).send().await
}

async fn count(app: &TestApp, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&app.all_rows).await.unwrap()
}

fn customer(name: &str) -> Value {
    json!({"name": name, "default_currency": "EUR"})
}

#[actix_web::test]
async fn repeated_request_takes_effect_once_and_gets_the_same_reply() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = alice.invoice().await;
    let issue = format!("/api/v1/invoices/{invoice}/issue");
    alice.request(Method::POST, &issue).header("if-match", "\"1\"").send().await.ok(200);
    let total = alice.get(&format!("/api/v1/invoices/{invoice}")).await.json()["total"].as_i64().unwrap();
    let on = alice.customer().await;
    let payments = format!("/api/v1/invoices/{invoice}/payments");
    let credit_notes = format!("/api/v1/invoices/{invoice}/credit-notes");
    for (path, table, body) in [
        ("/api/v1/customers", "customers", customer("Acme")),
        ("/api/v1/invoices", "invoices", draft(&on)),
        // The payment is the whole balance, so a second one would be refused.
        (payments.as_str(), "payments", payment(total)),
        (credit_notes.as_str(), "credit_notes", json!({})),
    ] {
        let before = count(&app, table).await;
        let first = post(&alice, path, "wish-1", &body).await.ok(201);
        for _ in 0..2 {
            let again = post(&alice, path, "wish-1", &body).await;
            assert_eq!(again.comparable(), first.comparable(), "{path}");
        }
        assert_eq!(count(&app, table).await, before + 1, "{path}");
    }
    alice.post("/api/v1/customers", &customer("Acme")).await.ok(201);
    post(&alice, "/api/v1/customers", "wish-2", &customer("Acme")).await.ok(201);
    assert_eq!(count(&app, "customers").await, 5);
}

#[actix_web::test]
async fn concurrent_requests_with_one_idempotency_key_take_effect_once() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let body = customer("Acme");
    let replies = futures_util::future::join_all((0..12).map(|_| post(&alice, "/api/v1/customers", "k", &body))).await;
    let mut made: Vec<String> = Vec::new();
    for reply in &replies {
        match reply.status.as_u16() {
            201 => made.push(reply.text()),
            _ => drop(
                reply
                    .assert_refused(409, "idempotency_key_in_use")
                    .assert_events(&["sequence_fail/idempotency_key_in_use"]),
            ),
        }
    }
    made.dedup();
    assert_eq!((made.len(), count(&app, "customers").await), (1, 1));
}

#[actix_web::test]
async fn idempotency_key_is_bound_to_body_route_and_owner_for_24_hours() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let first = post(&alice, "/api/v1/customers", "k", &customer("Acme")).await.ok(201);
    let before = app.digest_all().await;
    let other = post(&alice, "/api/v1/customers", "k", &customer("Other")).await;
    other.assert_refused(422, "idempotency_key_reused").assert_events(&["sequence_fail/idempotency_key_reused"]);
    // A key belongs to the exact bytes of a body. This body differs only in white space.
    let spaced = alice.request(Method::POST, "/api/v1/customers").header("idempotency-key", "k");
    let spaced = spaced.body("application/json", r#"{ "name": "Acme", "default_currency": "EUR" }"#).send().await;
    spaced.assert_refused(422, "idempotency_key_reused");
    assert_eq!(app.digest_all().await, before);

    let bobs = post(&bob, "/api/v1/customers", "k", &customer("Acme")).await.ok(201);
    assert_ne!(bobs.json()["id"], first.json()["id"]);
    let on = first.json()["id"].as_str().unwrap().to_owned();
    post(&alice, "/api/v1/invoices", "k", &draft(&on)).await.ok(201);

    app.clock.advance(TimeDelta::hours(24) + TimeDelta::seconds(1));
    let alice = Actor::sign_in(&app.anonymous(), &alice.email, &alice.password).await;
    let later = post(&alice, "/api/v1/customers", "k", &customer("Other")).await.ok(201);
    assert_ne!(later.json()["id"], first.json()["id"]);
    let again = post(&alice, "/api/v1/customers", "k", &customer("Other")).await.ok(201);
    assert_eq!(again.json()["id"], later.json()["id"], "the new response must have replaced the expired one");
}

#[actix_web::test]
async fn expired_replies_of_all_owners_are_deleted() {
    let app = TestApp::start().await;
    for name in ["alice", "bob"] {
        let user = app.user(name).await;
        for key in ["old", "new"] {
            post(&user, "/api/v1/customers", key, &customer("Acme")).await.ok(201);
        }
    }
    sqlx::query("update idempotency_keys set claimed_at = now() - interval '25 hours' where key = 'old'")
        .execute(&app.all_rows)
        .await
        .unwrap();
    strongroom::db::idempotency::sweep(&app.replica().pool).await.unwrap();
    let keys: Vec<String> =
        sqlx::query_scalar("select key from idempotency_keys").fetch_all(&app.all_rows).await.unwrap();
    assert_eq!(keys, ["new", "new"]);
}

/// All requests take their locks in the order of `db/idempotency.rs`, so that they cannot deadlock.
#[actix_web::test]
async fn every_idempotent_request_claims_its_key_before_other_locks() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = alice.invoice().await;
    let issue = format!("/api/v1/invoices/{invoice}/issue");
    alice.request(Method::POST, &issue).header("if-match", "\"1\"").send().await.ok(200);
    let on = alice.customer().await;
    let form = || Form::valid().text("invoice_id", &invoice);
    let with_key = |path: &str| alice.request(Method::POST, path).header("idempotency-key", "k");
    let replies = [
        with_key("/api/v1/customers").json(&customer("Acme")).send().await.ok(201),
        with_key("/api/v1/invoices").json(&draft(&on)).send().await.ok(201),
        with_key(&format!("/api/v1/invoices/{invoice}/payments")).json(&payment(1)).send().await.ok(201),
        with_key(&format!("/api/v1/invoices/{invoice}/credit-notes")).json(&json!({})).send().await.ok(201),
        with_key("/api/v1/documents").form(form()).send().await.ok(201),
    ];
    let routes =
        strongroom::app::routes::table().into_iter().filter(|endpoint| endpoint.signature.idempotency_key).count();
    assert_eq!(replies.len(), routes, "the test must cover all routes that accept a key");
    const LOCKS: [&str; 6] = [
        "for update",
        "insert into customers",
        "insert into invoices",
        "insert into payments",
        "insert into credit_notes",
        "insert into documents",
    ];
    let place = |reply: &Reply, texts: &[&str]| {
        let statements = reply.statements();
        let found = statements.iter().position(|statement| texts.iter().any(|text| statement.contains(text)));
        found.unwrap_or_else(|| panic!("{texts:?} in {statements:#?}"))
    };
    for reply in &replies {
        assert!(place(reply, &["insert into idempotency_keys"]) < place(reply, &LOCKS), "{:#?}", reply.statements());
    }
    // The foreign key of a document locks its invoice. The upload locks the owner's storage usage last.
    let [.., upload] = &replies;
    assert!(place(upload, &["insert into documents"]) < place(upload, &["update document_usage set bytes"]));
}

/// Returns an open transaction that has claimed a key of Alice.
async fn holding(app: &TestApp, alice: &Actor, key: &str) -> Transaction<'static, Postgres> {
    let mut holder = app.all_rows.begin().await.unwrap();
    sqlx::query(
        "insert into idempotency_keys (owner_id, route, key, fingerprint, claimed_at)
         select id, 'POST /api/v1/customers', $2, sha256('x'), now() from users where email = $1",
    )
    .bind(&alice.email)
    .bind(key)
    .execute(&mut *holder)
    .await
    .unwrap();
    holder
}

/// A retry may arrive before the transaction of a refused request has ended. So the service waits for the key.
#[actix_web::test]
async fn idempotency_key_in_use_is_awaited_and_then_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let holder = holding(&app, &alice, "soon").await;
    let (reply, ()) = futures_util::future::join(post(&alice, "/api/v1/customers", "soon", &customer("Acme")), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        holder.rollback().await.unwrap();
    })
    .await;
    reply.ok(201);

    let holder = holding(&app, &alice, "late").await;
    let before = app.digest_all().await;
    let refused = post(&alice, "/api/v1/customers", "late", &customer("Other")).await;
    refused.assert_refused(409, "idempotency_key_in_use").assert_events(&["sequence_fail/idempotency_key_in_use"]);
    assert_eq!(app.digest_all().await, before);
    let bob = app.user("bob").await;
    post(&bob, "/api/v1/customers", "late", &customer("Other")).await.ok(201);
    post(&alice, "/api/v1/customers", "other", &customer("Other")).await.ok(201);
    holder.rollback().await.unwrap();
    post(&alice, "/api/v1/customers", "late", &customer("Other")).await.ok(201);
}

#[actix_web::test]
async fn corrected_request_with_the_same_idempotency_key_succeeds() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (on, unknown) = (alice.customer().await, uuid::Uuid::new_v4().to_string());
    for n in 0..50 {
        let key = format!("wish-{n}");
        post(&alice, "/api/v1/invoices", &key, &draft(&unknown)).await.assert_invalid_field("/customer_id");
        post(&alice, "/api/v1/invoices", &key, &draft(&on)).await.ok(201);
    }
}

#[actix_web::test]
async fn idempotency_key_does_not_replace_authentication() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    post(&alice, "/api/v1/customers", "k", &customer("Acme")).await.ok(201);
    let anonymous = app.anonymous().request(Method::POST, "/api/v1/customers").header("idempotency-key", "k");
    anonymous.json(&customer("Acme")).send().await.assert_refused(401, "unauthenticated");
    alice.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
    post(&alice, "/api/v1/customers", "k", &customer("Acme")).await.assert_refused(401, "unauthenticated");
}
