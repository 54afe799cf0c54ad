//! A seller, or a thief of the seller's token, credits more than was invoiced: in one credit note, in several, or in
//! parallel requests (CWE-840, CWE-362; API6:2023).

use futures_util::future::{join_all, join4};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;

use crate::support::actor::payment;
use crate::support::{Actor, Reply, TestApp};

const INVALID: &str = "input_validation_fail/invalid_input";
/// The total of the draft in `support::actor`: 150.00 at 21 % tax and 49.99 at 0 %.
const TOTAL: i64 = 23_149;

async fn issued(actor: &Actor) -> String {
    let id = actor.invoice().await;
    let issue = actor.request(Method::POST, &format!("/api/v1/invoices/{id}/issue"));
    issue.header("if-match", "\"1\"").send().await.ok(200);
    id
}

async fn credit(actor: &Actor, invoice: &str, body: &Value) -> Reply {
    actor.post(&format!("/api/v1/invoices/{invoice}/credit-notes"), body).await
}

async fn credited(app: &TestApp) -> (i64, i64) {
    let sql = "select coalesce(sum(total), 0)::bigint, (select sum(credited)::bigint from invoices) from credit_notes";
    sqlx::query_as(sql).fetch_one(&app.all_rows).await.unwrap()
}

#[actix_web::test]
async fn credit_above_the_invoice_total_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let id = issued(&alice).await;
    credit(&alice, &id, &json!({"lines": [{"line": 1, "amount": 14_000}]})).await.ok(201);
    let before = app.digest_all().await;
    for body in [
        json!({"lines": [{"line": 1, "amount": 1_001}]}),
        json!({"lines": [{"line": 2, "amount": 5_000}]}),
        json!({"lines": [{"line": 2}, {"line": 1, "amount": 9_007_199_254_740_991_i64}]}),
    ] {
        let reply = credit(&alice, &id, &body).await;
        reply.assert_refused(409, "credit_exceeds_invoice").assert_events(&["sequence_fail/credit_exceeds_invoice"]);
    }
    assert_eq!(app.digest_all().await, before);
    // A credit of exactly the remaining amount succeeds. Then nothing is left to credit.
    let rest = credit(&alice, &id, &json!({})).await.ok(201).json();
    assert_eq!(rest["net"], 1_000 + 4_999);
    let before = app.digest_all().await;
    for body in [json!({}), json!({"lines": [{"line": 1, "amount": 1}]}), json!({"lines": [{"line": 2}]})] {
        let reply = credit(&alice, &id, &body).await;
        reply.assert_refused(409, "not_creditable").assert_events(&["sequence_fail/not_creditable"]);
    }
    assert_eq!(app.digest_all().await, before);
    assert_eq!(credited(&app).await, (TOTAL, TOTAL));
}

/// Race condition (CWE-362): each request first locks the row of the invoice, so the requests take turns.
#[actix_web::test]
async fn parallel_credits_never_exceed_the_invoice_total() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let id = issued(&alice).await;
    // Only three of these eight credits fit into the total.
    let part = json!({"lines": [{"line": 1, "amount": 5_000}]});
    let replies = join_all((0..8).map(|_| credit(&alice, &id, &part))).await;
    let count = |status: u16| replies.iter().filter(|reply| reply.status.as_u16() == status).count();
    assert_eq!((count(201), count(409)), (3, 5));
    let everything = json!({});
    let whole = join_all((0..4).map(|_| credit(&alice, &id, &everything))).await;
    assert_eq!(whole.iter().filter(|reply| reply.status.as_u16() == 201).count(), 1);
    assert_eq!(credited(&app).await, (TOTAL, TOTAL));
    // Parallel payments must not exceed the amount due.
    let id = issued(&alice).await;
    let (payments, all) = (format!("/api/v1/invoices/{id}/payments"), payment(TOTAL));
    let pay = || alice.post(&payments, &all);
    join4(pay(), credit(&alice, &id, &part), pay(), credit(&alice, &id, &part)).await;
    let invoice = alice.get(&format!("/api/v1/invoices/{id}")).await.ok(200).json();
    let amount = |field: &str| invoice[field].as_i64().unwrap();
    assert_eq!(amount("credited"), 2 * 6_050);
    assert!(
        [0, TOTAL].contains(&amount("paid")),
        "at most one payment can be recorded, because each pays the total: {invoice}"
    );
    assert_eq!(amount("due"), (TOTAL - amount("credited") - amount("paid")).max(0));
}

#[actix_web::test]
async fn draft_and_void_invoice_cannot_be_credited() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (draft, void) = (alice.invoice().await, issued(&alice).await);
    let path = format!("/api/v1/invoices/{void}/void");
    alice.request(Method::POST, &path).header("if-match", "\"2\"").send().await.ok(200);
    let before = app.digest_all().await;
    for id in [&draft, &void] {
        credit(&alice, id, &json!({})).await.assert_refused(409, "not_creditable");
    }
    assert_eq!(app.digest_all().await, before);
    // An invoice with a credit note cannot be voided, because the note would refer to a void invoice.
    let id = issued(&alice).await;
    credit(&alice, &id, &json!({"lines": [{"line": 2, "amount": 1}]})).await.ok(201);
    let before = app.digest_all().await;
    let path = format!("/api/v1/invoices/{id}/void");
    let reply = alice.request(Method::POST, &path).header("if-match", "\"3\"").send().await;
    reply.assert_refused(409, "not_voidable").assert_events(&["sequence_fail/not_voidable"]);
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn invalid_credit_note_names_its_field() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let id = issued(&alice).await;
    let before = app.digest_all().await;
    for (body, pointer) in [
        (json!({"lines": []}), "/lines"),
        (json!({"lines": null}), "/lines"),
        (json!({"lines": vec![json!({"line": 1}); 101]}), "/lines"),
        (json!({"lines": [{"line": 0}]}), "/lines/0/line"),
        (json!({"lines": [{"line": -1}]}), "/lines/0/line"),
        (json!({"lines": [{"line": 3}]}), "/lines/0/line"),
        (json!({"lines": [{"line": 2}, {"line": 1}, {"line": 2}]}), "/lines/2/line"),
        (json!({"lines": [{"line": 1, "amount": 0}]}), "/lines/0/amount"),
        (json!({"lines": [{"line": 1, "amount": -1}]}), "/lines/0/amount"),
        (json!({"lines": [{"line": 1, "amount": 9_007_199_254_740_992_i64}]}), "/lines/0/amount"),
        (json!({"lines": [{"line": 1, "tax": 0}]}), "/lines/0/tax"),
        (json!({"reason": "a\nb"}), "/reason"),
        (json!({"reason": "x".repeat(501)}), "/reason"),
        (json!({"total": 1}), "/total"),
        (json!({"number": "CN-2026-0001"}), "/number"),
        (json!({"issue_date": "2026-01-01"}), "/issue_date"),
    ] {
        credit(&alice, &id, &body).await.assert_invalid_field(pointer).assert_events(&[INVALID]);
    }
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn parallel_credit_notes_are_numbered_without_gaps() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let id = issued(&alice).await;
    let body = json!({"lines": [{"line": 1, "amount": 1_000}]});
    // Fifteen of the 20 credits fit into the total. A refused request uses up no number.
    let replies = join_all((0..20).map(|_| credit(&alice, &id, &body))).await;
    let numbers = replies.iter().filter(|reply| reply.status.as_u16() == 201);
    let mut numbers: Vec<String> = numbers.map(|reply| reply.json()["number"].as_str().unwrap().to_owned()).collect();
    numbers.sort();
    let year = app.clock.now().format("%Y").to_string();
    assert_eq!(numbers, (1..=15).map(|n| format!("CN-{year}-{n:04}")).collect::<Vec<_>>());
    let bobs = credit(&bob, &issued(&bob).await, &json!({})).await.ok(201).json();
    assert_eq!(bobs["number"], format!("CN-{year}-0001"), "each owner has a separate counter");
}

/// Defense in depth.
#[actix_web::test]
async fn database_refuses_credit_above_the_invoice_total() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let id = issued(&alice).await;
    credit(&alice, &id, &json!({})).await.ok(201);
    let before = app.digest_all().await;
    for change in [
        "update invoices set credited = total + 1",
        "update invoices set credited = -1",
        "update credit_notes set total = total + 1",
        "update credit_notes set net = 0, total = tax_total",
        "update credit_notes set lines = '[]'",
        "update credit_notes set number = 'INV-2026-0001'",
    ] {
        let error = app.all_rows.execute(change).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "23514", "{change}");
    }
    assert_eq!(app.digest_all().await, before);
}
