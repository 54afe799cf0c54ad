//! `Idempotency-Key`: asked twice, done once; and what a key must not be good for.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

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
async fn what_is_asked_twice_is_done_once_and_answered_alike() {
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
        // All that is due: a second one would be refused.
        (payments.as_str(), "payments", payment(total)),
        (credit_notes.as_str(), "credit_notes", json!({})),
    ] {
        let before = count(&app, table).await;
        let first = post(&alice, path, "wish-1", &body).await.ok(201);
        for _ in 0..2 {
            let again = post(&alice, path, "wish-1", &body).await;
            assert_eq!(again.alike(), first.alike(), "{path}");
        }
        assert_eq!(count(&app, table).await, before + 1, "{path}");
    }
    // Without a key, or with another, it is another wish.
    alice.post("/api/v1/customers", &customer("Acme")).await.ok(201);
    post(&alice, "/api/v1/customers", "wish-2", &customer("Acme")).await.ok(201);
    assert_eq!(count(&app, "customers").await, 5);
}

#[actix_web::test]
async fn of_many_at_once_one_is_done() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let body = customer("Acme");
    let replies = futures_util::future::join_all((0..12).map(|_| post(&alice, "/api/v1/customers", "k", &body))).await;
    let mut made: Vec<String> = Vec::new();
    for reply in &replies {
        match reply.status.as_u16() {
            201 => made.push(reply.text()),
            _ => drop(reply.refused(409, "key_in_use").left(&["sequence_fail/key_in_use"])),
        }
    }
    made.dedup();
    assert_eq!((made.len(), count(&app, "customers").await), (1, 1));
}

#[actix_web::test]
async fn a_key_is_good_for_one_body_one_route_one_owner_and_one_day() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let first = post(&alice, "/api/v1/customers", "k", &customer("Acme")).await.ok(201);
    let before = app.everything().await;
    let other = post(&alice, "/api/v1/customers", "k", &customer("Other")).await;
    other.refused(422, "key_reused").left(&["sequence_fail/key_reused"]);
    // The same wish in another spelling is another body.
    let spaced = alice.request(Method::POST, "/api/v1/customers").header("idempotency-key", "k");
    let spaced = spaced.body("application/json", r#"{ "name": "Acme", "default_currency": "EUR" }"#).send().await;
    spaced.refused(422, "key_reused");
    assert_eq!(app.everything().await, before);

    let bobs = post(&bob, "/api/v1/customers", "k", &customer("Acme")).await.ok(201);
    assert_ne!(bobs.json()["id"], first.json()["id"]);
    let on = first.json()["id"].as_str().unwrap().to_owned();
    post(&alice, "/api/v1/invoices", "k", &draft(&on)).await.ok(201);

    app.clock.turn(TimeDelta::hours(24) + TimeDelta::seconds(1));
    let alice = Actor::sign_in(&app.anybody(), &alice.email, &alice.password).await;
    let later = post(&alice, "/api/v1/customers", "k", &customer("Other")).await.ok(201);
    assert_ne!(later.json()["id"], first.json()["id"]);
    let again = post(&alice, "/api/v1/customers", "k", &customer("Other")).await.ok(201);
    assert_eq!(again.json()["id"], later.json()["id"], "the new answer has replaced the expired one");
}

/// Of all owners, also of one who never sends another key.
#[actix_web::test]
async fn expired_answers_of_all_owners_are_swept() {
    let app = TestApp::start().await;
    for name in ["alice", "bob"] {
        let user = app.user(name).await;
        for key in ["old", "new"] {
            post(&user, "/api/v1/customers", key, &customer("Acme")).await.ok(201);
        }
    }
    sqlx::query("update idempotency_keys set created_at = now() - interval '25 hours' where key = 'old'")
        .execute(&app.all_rows)
        .await
        .unwrap();
    strongroom::db::idempotency::sweep(&app.services().pool).await.unwrap();
    let kept: Vec<String> =
        sqlx::query_scalar("select key from idempotency_keys").fetch_all(&app.all_rows).await.unwrap();
    assert_eq!(kept, ["new", "new"]);
}

/// Two requests that take the same locks in opposite orders deadlock. The order is written in `db/idempotency.rs`.
#[actix_web::test]
async fn every_keyed_request_claims_its_key_before_any_other_lock() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = alice.invoice().await;
    let issue = format!("/api/v1/invoices/{invoice}/issue");
    alice.request(Method::POST, &issue).header("if-match", "\"1\"").send().await.ok(200);
    let on = alice.customer().await;
    let form = || Form::sound().text("invoice_id", &invoice);
    let keyed = |path: &str| alice.request(Method::POST, path).header("idempotency-key", "k");
    let replies = [
        keyed("/api/v1/customers").json(&customer("Acme")).send().await.ok(201),
        keyed("/api/v1/invoices").json(&draft(&on)).send().await.ok(201),
        keyed(&format!("/api/v1/invoices/{invoice}/payments")).json(&payment(1)).send().await.ok(201),
        keyed(&format!("/api/v1/invoices/{invoice}/credit-notes")).json(&json!({})).send().await.ok(201),
        keyed("/api/v1/documents").form(form()).send().await.ok(201),
    ];
    let keyed_routes = strongroom::app::routes::table().into_iter().filter(|endpoint| endpoint.docs.is_keyed()).count();
    assert_eq!(replies.len(), keyed_routes, "every route that takes a key is here");
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
        assert!(place(reply, &["pg_try_advisory_xact_lock"]) < place(reply, &LOCKS), "{:#?}", reply.statements());
    }
    // The document's foreign key locks the invoice; the owner's usage comes last.
    let [.., upload] = &replies;
    assert!(place(upload, &["insert into documents"]) < place(upload, &["update document_usage set bytes"]));
}

/// A session of the database that has a key of hers, as a request has it until its transaction ends.
async fn holding(app: &TestApp, alice: &Actor, key: &str) -> PgConnection {
    let id = alice.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().to_owned();
    let mut holder = app.owner().await;
    sqlx::query("select pg_advisory_lock(hashtextextended($1, 0))")
        .bind(format!("{id} POST /api/v1/customers {key}"))
        .execute(&mut holder)
        .await
        .unwrap();
    holder
}

/// The transaction of a refused request ends a moment after its reply. Whoever asks again at once is not told that he is still
/// being served.
#[actix_web::test]
async fn a_key_that_is_free_in_a_moment_is_waited_for_and_one_that_is_not_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let holder = holding(&app, &alice, "soon").await;
    let (reply, ()) = futures_util::future::join(post(&alice, "/api/v1/customers", "soon", &customer("Acme")), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        holder.close().await.unwrap();
    })
    .await;
    reply.ok(201);

    let holder = holding(&app, &alice, "late").await;
    let before = app.everything().await;
    let begun = Instant::now();
    let refused = post(&alice, "/api/v1/customers", "late", &customer("Other")).await;
    refused.refused(409, "key_in_use").left(&["sequence_fail/key_in_use"]);
    assert!(begun.elapsed() < Duration::from_secs(5), "it waits a moment, with a connection, and no longer");
    assert_eq!(app.everything().await, before);
    // With the key, but of another's or for another wish, nobody waits.
    let bob = app.user("bob").await;
    post(&bob, "/api/v1/customers", "late", &customer("Other")).await.ok(201);
    post(&alice, "/api/v1/customers", "other", &customer("Other")).await.ok(201);
    holder.close().await.unwrap();
    post(&alice, "/api/v1/customers", "late", &customer("Other")).await.ok(201);
}

/// As it happens: refused, corrected, asked again at once.
#[actix_web::test]
async fn who_is_refused_and_asks_again_at_once_is_served() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (on, nobody) = (alice.customer().await, uuid::Uuid::new_v4().to_string());
    for n in 0..50 {
        let key = format!("wish-{n}");
        post(&alice, "/api/v1/invoices", &key, &draft(&nobody)).await.refused_field("/customer_id");
        post(&alice, "/api/v1/invoices", &key, &draft(&on)).await.ok(201);
    }
}

/// The answer goes where the right to it is: a key opens nothing for somebody whose session is over, or who never had one.
#[actix_web::test]
async fn a_key_is_no_token() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    post(&alice, "/api/v1/customers", "k", &customer("Acme")).await.ok(201);
    let nobody = app.anybody().request(Method::POST, "/api/v1/customers").header("idempotency-key", "k");
    nobody.json(&customer("Acme")).send().await.refused(401, "unauthenticated");
    alice.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
    post(&alice, "/api/v1/customers", "k", &customer("Acme")).await.refused(401, "unauthenticated");
}
