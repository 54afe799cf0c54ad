//! The state machine of an invoice: draft → issued → partially paid → paid, or void. Any other transition returns 409.

use chrono::Utc;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::{draft, payment};
use crate::support::{Actor, Reply, TestApp};

async fn step(alice: &Actor, invoice: &str, step: &str, version: &str) -> Reply {
    let path = format!("/api/v1/invoices/{invoice}/{step}");
    alice.request(Method::POST, &path).header("if-match", version).send().await
}

async fn pay(alice: &Actor, invoice: &str, amount: i64) -> Reply {
    alice.post(&format!("/api/v1/invoices/{invoice}/payments"), &payment(amount)).await
}

async fn read(alice: &Actor, invoice: &str) -> Value {
    alice.get(&format!("/api/v1/invoices/{invoice}")).await.ok(200).json()
}

fn refused(reply: &Reply, code: &str) {
    reply.assert_refused(409, code).assert_events(&[&format!("sequence_fail/{code}")]);
}

#[actix_web::test]
async fn invoice_is_issued_and_paid_in_two_parts() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let id = alice.invoice().await;
    let drafted = read(&alice, &id).await;
    let issued = step(&alice, &id, "issue", "\"1\"").await.ok(200);
    assert_eq!(issued.header("etag"), Some("\"2\""));
    let issued = issued.json();
    let today = Utc::now().date_naive();
    assert_eq!(
        (issued["status"].as_str(), issued["issue_date"].as_str()),
        (Some("issued"), Some(today.to_string().as_str()))
    );
    assert_eq!(issued["number"], format!("INV-{}-0001", today.format("%Y")));
    assert_eq!((&issued["due"], &issued["lines"]), (&drafted["total"], &drafted["lines"]));

    let total = issued["total"].as_i64().unwrap();
    let first = pay(&alice, &id, 3_149).await.ok(201);
    let list = format!("/api/v1/invoices/{id}/payments");
    assert_eq!(first.header("location"), Some(list.as_str()));
    let partially_paid = read(&alice, &id).await;
    assert_eq!(
        (&partially_paid["status"], &partially_paid["paid"], &partially_paid["due"]),
        (&json!("partially_paid"), &json!(3_149), &json!(total - 3_149))
    );
    let second = pay(&alice, &id, total - 3_149).await.ok(201);
    let paid = read(&alice, &id).await;
    assert_eq!((&paid["status"], &paid["paid"], &paid["due"]), (&json!("paid"), &json!(total), &json!(0)));
    assert_eq!(paid["number"], issued["number"]);

    let payments = alice.get(&list).await.ok(200).json();
    assert_eq!(payments, json!({"items": [second.json(), first.json()], "next_cursor": null}));
    let page = alice.get(&format!("{list}?limit=1")).await.ok(200).json();
    let next = page["next_cursor"].as_str().unwrap();
    let rest = alice.get(&format!("{list}?limit=1&cursor={next}")).await.ok(200).json();
    assert_eq!(rest, json!({"items": [first.json()], "next_cursor": null}));
}

#[actix_web::test]
async fn invalid_transition_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (drafted, issued, partly, paid, void) = (
        alice.invoice().await,
        alice.invoice().await,
        alice.invoice().await,
        alice.invoice().await,
        alice.invoice().await,
    );
    for id in [&issued, &partly, &paid] {
        step(&alice, id, "issue", "\"1\"").await.ok(200);
    }
    let total = read(&alice, &issued).await["total"].as_i64().unwrap();
    pay(&alice, &partly, 1).await.ok(201);
    pay(&alice, &paid, total).await.ok(201);
    step(&alice, &void, "void", "\"1\"").await.ok(200);
    let before = app.digest_all().await;
    refused(&pay(&alice, &drafted, 1).await, "not_payable");
    refused(&step(&alice, &issued, "issue", "\"2\"").await, "not_a_draft");
    refused(&pay(&alice, &issued, total + 1).await, "payment_exceeds_balance");
    refused(&step(&alice, &partly, "issue", "\"3\"").await, "not_a_draft");
    refused(&step(&alice, &partly, "void", "\"3\"").await, "not_voidable");
    refused(&pay(&alice, &partly, total).await, "payment_exceeds_balance");
    refused(&step(&alice, &paid, "void", "\"3\"").await, "not_voidable");
    refused(&pay(&alice, &paid, 1).await, "not_payable");
    refused(&step(&alice, &void, "void", "\"2\"").await, "not_voidable");
    refused(&step(&alice, &void, "issue", "\"2\"").await, "not_a_draft");
    refused(&pay(&alice, &void, 1).await, "not_payable");
    for name in ["issue", "void"] {
        step(&alice, &drafted, name, "\"2\"").await.assert_refused(412, "stale_version");
        let path = format!("/api/v1/invoices/{drafted}/{name}");
        alice.request(Method::POST, &path).send().await.assert_refused(428, "version_required");
    }
    assert_eq!(app.digest_all().await, before);
    // A void invoice keeps its number, because numbers have no gaps.
    let voided = step(&alice, &issued, "void", "\"2\"").await.ok(200).json();
    assert_eq!((&voided["status"], &voided["due"], voided["number"].is_string()), (&json!("void"), &json!(0), true));
}

#[actix_web::test]
async fn invoice_with_total_zero_is_paid_when_issued() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut body = draft(&alice.customer().await);
    body["discount_rate"] = json!("100");
    let id = alice.post("/api/v1/invoices", &body).await.ok(201).json()["id"].as_str().unwrap().to_owned();
    let issued = step(&alice, &id, "issue", "\"1\"").await.ok(200).json();
    assert_eq!((&issued["status"], &issued["total"], &issued["due"]), (&json!("paid"), &json!(0), &json!(0)));
    assert!(issued["number"].is_string());
    let before = app.digest_all().await;
    refused(&pay(&alice, &id, 1).await, "not_payable");
    refused(&step(&alice, &id, "issue", "\"2\"").await, "not_a_draft");
    assert_eq!(app.digest_all().await, before);
    for query in ["status=issued", "overdue=true"] {
        let page = alice.get(&format!("/api/v1/invoices?{query}")).await.ok(200).json();
        assert_eq!(page["items"], json!([]), "{query}: a paid invoice is not overdue");
    }
    // The invoice is paid, because its total is 0. It can be voided, because it has no payments.
    let void = step(&alice, &id, "void", "\"2\"").await.ok(200).json();
    assert_eq!((&void["status"], &void["number"]), (&json!("void"), &issued["number"]));
}

#[actix_web::test]
async fn invoice_past_its_due_date_cannot_be_issued() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut body = draft(&alice.customer().await);
    body["due_date"] = json!("2020-01-31");
    let id = alice.post("/api/v1/invoices", &body).await.ok(201).json()["id"].as_str().unwrap().to_owned();
    let before = app.digest_all().await;
    refused(&step(&alice, &id, "issue", "\"1\"").await, "due_before_issue");
    assert_eq!(app.digest_all().await, before, "no number was assigned");
}

#[actix_web::test]
async fn invalid_payment_names_its_field() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let id = alice.invoice().await;
    step(&alice, &id, "issue", "\"1\"").await.ok(200);
    let before = app.digest_all().await;
    for (field, value) in [
        ("amount", json!(0)),
        ("amount", json!(-1)),
        ("amount", json!(1.5)),
        ("amount", json!(9_007_199_254_740_992_i64)),
        ("paid_on", json!("yesterday")),
        ("method", json!("barter")),
        ("reference", json!("")),
        ("reference", json!("x".repeat(141))),
    ] {
        let mut body = payment(1);
        body[field] = value;
        alice.post(&format!("/api/v1/invoices/{id}/payments"), &body).await.assert_invalid_field(&format!("/{field}"));
    }
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn parallel_payments_never_exceed_the_amount_due() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let id = alice.invoice().await;
    step(&alice, &id, "issue", "\"1\"").await.ok(200);
    let total = read(&alice, &id).await["total"].as_i64().unwrap();
    // A third of the total, so only three payments fit.
    let part = total / 3;
    let replies = futures_util::future::join_all((0..8).map(|_| pay(&alice, &id, part))).await;
    let accepted = replies.iter().filter(|reply| reply.status.as_u16() == 201).count();
    let refused = replies.iter().filter(|reply| reply.status.as_u16() == 409).count();
    assert_eq!((accepted, refused), (3, 5));
    let sum: i64 =
        sqlx::query_scalar("select sum(amount)::bigint from payments").fetch_one(&app.all_rows).await.unwrap();
    assert_eq!((read(&alice, &id).await["paid"].as_i64(), sum), (Some(3 * part), 3 * part));
}

/// Two parallel requests issue each of fifty drafts. One of the two fails, and must not use up a number.
#[actix_web::test]
async fn parallel_issues_are_numbered_without_gaps() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    let mut drafts = Vec::new();
    for _ in 0..50 {
        let made = alice.post("/api/v1/invoices", &draft(&customer)).await.ok(201).json();
        drafts.push(made["id"].as_str().unwrap().to_owned());
    }
    let steps = drafts.iter().flat_map(|id| [step(&alice, id, "issue", "\"1\""), step(&alice, id, "issue", "\"1\"")]);
    let replies = futures_util::future::join_all(steps).await;
    let mut numbers: Vec<String> = replies
        .iter()
        .filter(|reply| reply.status.as_u16() == 200)
        .map(|reply| reply.json()["number"].as_str().unwrap().to_owned())
        .collect();
    numbers.sort();
    let year = Utc::now().format("%Y");
    assert_eq!(numbers, (1..=50).map(|n| format!("INV-{year}-{n:04}")).collect::<Vec<_>>());
}
