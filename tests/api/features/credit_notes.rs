//! Credit notes on a whole invoice or single lines, their lists, PDF and export.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::payment;
use crate::support::pdf::{info, rows};
use crate::support::{Actor, TestApp};

/// Issues an invoice of 231.49: 150.00 at 21 % tax and 49.99 at 0 %.
async fn issued(actor: &Actor) -> Value {
    let path = format!("/api/v1/invoices/{}/issue", actor.invoice().await);
    actor.request(Method::POST, &path).header("if-match", "\"1\"").send().await.ok(200).json()
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

async fn credit(actor: &Actor, invoice: &Value, body: &Value) -> Value {
    let path = format!("/api/v1/invoices/{}/credit-notes", id(invoice));
    let reply = actor.post(&path, body).await.ok(201);
    let note = reply.json();
    let location = format!("/api/v1/credit-notes/{}", id(&note));
    assert_eq!(reply.header("location"), Some(location.as_str()));
    assert_eq!(actor.get(&location).await.ok(200).json(), note);
    note
}

async fn state(actor: &Actor, invoice: &Value) -> (String, [i64; 3]) {
    let invoice = actor.get(&format!("/api/v1/invoices/{}", id(invoice))).await.ok(200).json();
    let amounts = ["credited", "paid", "due"].map(|field| invoice[field].as_i64().unwrap());
    (invoice["status"].as_str().unwrap().to_owned(), amounts)
}

async fn pay(actor: &Actor, invoice: &Value, amount: i64) {
    actor.post(&format!("/api/v1/invoices/{}/payments", id(invoice)), &payment(amount)).await.ok(201);
}

#[actix_web::test]
async fn credit_notes_reduce_the_amount_due_to_zero() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = issued(&alice).await;
    let body = json!({"reason": "Half a day less", "lines": [{"line": 1, "amount": 5_000}]});
    let note = credit(&alice, &invoice, &body).await;
    let today = app.clock.now().date_naive();
    assert_eq!(
        note,
        json!({
            "id": note["id"], "created_at": note["created_at"], "invoice_id": invoice["id"],
            "invoice_number": invoice["number"], "number": format!("CN-{}-0001", today.format("%Y")),
            "issue_date": today.to_string(), "currency": "EUR", "reason": "Half a day less",
            "lines": [{"line": 1, "description": "Consulting", "tax_rate": "21", "net": 5_000}],
            "taxes": [{"tax_rate": "21", "net": 5_000, "tax": 1_050}],
            "net": 5_000, "tax_total": 1_050, "total": 6_050
        })
    );
    assert_eq!(state(&alice, &invoice).await, ("issued".to_owned(), [6_050, 0, 17_099]));
    // The invoice stays `paid`, because the service does not record refunds.
    pay(&alice, &invoice, 17_099).await;
    assert_eq!(state(&alice, &invoice).await, ("paid".to_owned(), [6_050, 17_099, 0]));
    credit(&alice, &invoice, &json!({"lines": [{"line": 2}]})).await;
    assert_eq!(state(&alice, &invoice).await, ("paid".to_owned(), [11_049, 17_099, 0]));
    let last = credit(&alice, &invoice, &json!({})).await;
    assert_eq!((&last["net"], &last["tax_total"]), (&json!(10_000), &json!(2_100)));
    assert_eq!(state(&alice, &invoice).await, ("credited".to_owned(), [23_149, 17_099, 0]));
}

#[actix_web::test]
async fn credit_of_the_unpaid_amount_settles_the_invoice() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = issued(&alice).await;
    pay(&alice, &invoice, 18_150).await;
    credit(&alice, &invoice, &json!({"lines": [{"line": 2}]})).await;
    assert_eq!(state(&alice, &invoice).await, ("paid".to_owned(), [4_999, 18_150, 0]));
    let unpaid = issued(&alice).await;
    let note = credit(&alice, &unpaid, &json!({})).await;
    assert_eq!((&note["taxes"], &note["total"]), (&unpaid["taxes"], &unpaid["total"]));
    assert_eq!(state(&alice, &unpaid).await, ("credited".to_owned(), [23_149, 0, 0]));
    for (query, expected) in [("status=credited", 1), ("status=paid", 1), ("status=issued", 0), ("overdue=true", 0)] {
        let page = alice.get(&format!("/api/v1/invoices?{query}")).await.ok(200).json();
        assert_eq!(page["items"].as_array().unwrap().len(), expected, "{query}");
    }
    let export = alice.get("/api/v1/invoices/export?status=credited&bom=false").await.ok(200).text();
    assert!(
        export.contains("\"paid\",\"credited\",\"created_at\"") && export.contains(",231.49,0.00,231.49,"),
        "{export}"
    );
}

#[actix_web::test]
async fn credit_notes_are_listed_newest_first() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (one, other) = (issued(&alice).await, issued(&alice).await);
    let part = json!({"lines": [{"line": 1, "amount": 100}]});
    let mut ids = Vec::new();
    for invoice in [&one, &other, &one] {
        ids.insert(0, credit(&alice, invoice, &part).await["id"].clone());
    }
    let bobs = issued(&bob).await;
    credit(&bob, &bobs, &part).await;
    let found = async |query: &str| {
        let page = alice.get(&format!("/api/v1/credit-notes?{query}")).await.ok(200).json();
        let items = page["items"].as_array().unwrap().iter();
        (items.map(|item| item["id"].clone()).collect::<Vec<_>>(), page["next_cursor"].clone())
    };
    assert_eq!(found("").await, (ids.clone(), Value::Null));
    assert_eq!(found(&format!("invoice_id={}", id(&one))).await.0, [ids[0].clone(), ids[2].clone()]);
    assert_eq!(
        found(&format!("invoice_id={}", id(&bobs))).await.0,
        Vec::<Value>::new(),
        "the other invoice has no credit notes"
    );
    let (first, next) = found("limit=2").await;
    assert_eq!(first, ids[..2]);
    assert_eq!(found(&format!("limit=2&cursor={}", next.as_str().unwrap())).await, (ids[2..].to_vec(), Value::Null));
}

#[actix_web::test]
async fn pdf_of_a_credit_note_shows_the_amounts_of_the_api() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = issued(&alice).await;
    let body = json!({"reason": "Half a day less", "lines": [{"line": 1, "amount": 5_000}]});
    let note = credit(&alice, &invoice, &body).await;
    let path = format!("/api/v1/credit-notes/{}/pdf", id(&note));
    let reply = alice.get(&path).await.ok(200);
    let number = note["number"].as_str().unwrap();
    let name = format!("attachment; filename=\"{number}.pdf\"");
    assert_eq!(reply.header("content-disposition"), Some(name.as_str()));
    assert_eq!(info(&reply.body, "Title"), format!("Credit note {number}"));
    let text = rows(&reply.body).join("\n");
    for expected in [
        "Credit note",
        number,
        "alice@example.com",
        "Acme Ltd",
        &format!("Invoice {}", invoice["number"].as_str().unwrap()),
        "Consulting 21 % 50.00",
        "Net EUR 50.00",
        "Tax 21 % of 50.00 EUR 10.50",
        "Total credit EUR 60.50",
        "Half a day less",
        "Page 1 of 1",
    ] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
    let etag = reply.header("etag").unwrap().to_owned();
    alice.request(Method::GET, &path).header("if-none-match", &etag).send().await.ok(304);
    let text = rows(&alice.get(&format!("/api/v1/invoices/{}/pdf", id(&invoice))).await.ok(200).body).join("\n");
    assert!(text.contains("Credited EUR -60.50") && text.contains("Due EUR 170.99"), "{text}");
}
