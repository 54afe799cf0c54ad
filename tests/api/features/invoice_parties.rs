//! An issued invoice shows seller and customer as they were on the issue date.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::{draft, payment};
use crate::support::pdf::rows;
use crate::support::{Actor, Reply, TestApp};

const AT_ISSUE: [&str; 6] =
    ["alice", "Old Lighthouse", "old@lighthouse.example", "1 Old Pier", "Tax ID: OLD1", "alice@example.com"];
const CURRENT: [&str; 6] =
    ["Renamed Seller", "New Harbour", "new@harbour.example", "2 New Quay", "Tax ID: NEW2", "alice@example.com"];

async fn customer(alice: &Actor) -> String {
    let body = json!({"name": "Old Lighthouse", "email": "old@lighthouse.example", "address": "1 Old Pier",
        "tax_id": "OLD1", "default_currency": "EUR"});
    alice.post("/api/v1/customers", &body).await.ok(201).json()["id"].as_str().unwrap().to_owned()
}

async fn invoice(alice: &Actor, customer: &str) -> String {
    alice.post("/api/v1/invoices", &draft(customer)).await.ok(201).json()["id"].as_str().unwrap().to_owned()
}

async fn step(alice: &Actor, id: &str, step: &str, version: &str) {
    let path = format!("/api/v1/invoices/{id}/{step}");
    alice.request(Method::POST, &path).header("if-match", version).send().await.ok(200);
}

async fn printed(alice: &Actor, id: &str) -> Reply {
    alice.get(&format!("/api/v1/invoices/{id}/pdf")).await.ok(200)
}

/// Changes all data of the seller and the customer.
async fn rename(alice: &Actor, customer: &str) {
    let change =
        json!({"name": "New Harbour", "email": "new@harbour.example", "address": "2 New Quay", "tax_id": "NEW2"});
    alice.patch(&format!("/api/v1/customers/{customer}"), "\"1\"", &change).await.ok(200);
    alice.patch("/api/v1/me", "\"1\"", &json!({"display_name": "Renamed Seller"})).await.ok(200);
}

fn assert_parties(pdf: &[u8], expected: [&str; 6]) {
    let text = rows(pdf).join("\n");
    for name in expected {
        assert!(text.contains(name), "{name:?} in {text}");
    }
}

/// Returns id and customer's name of each exported row.
async fn exported(alice: &Actor) -> Vec<(String, String)> {
    let text = alice.get("/api/v1/invoices/export").await.ok(200).text();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|row| row.map(|row| (row[0].to_owned(), row[6].to_owned())).unwrap()).collect()
}

#[actix_web::test]
async fn renaming_a_party_changes_drafts_but_not_issued_invoices() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer_id = customer(&alice).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(invoice(&alice, &customer_id).await);
    }
    let [draft, issued, paid, void, void_draft] = ids.as_slice() else { panic!("five") };
    for id in [issued, paid, void] {
        step(&alice, id, "issue", "\"1\"").await;
    }
    alice.post(&format!("/api/v1/invoices/{paid}/payments"), &payment(1)).await.ok(201);
    step(&alice, void, "void", "\"2\"").await;
    step(&alice, void_draft, "void", "\"1\"").await;
    let mut before = Vec::new();
    for id in &ids {
        let reply = printed(&alice, id).await;
        assert_parties(&reply.body, AT_ISSUE);
        before.push(reply);
    }

    rename(&alice, &customer_id).await;
    for (id, before) in ids.iter().zip(&before) {
        let after = printed(&alice, id).await;
        let etag = before.header("etag").unwrap();
        let again = alice.request(Method::GET, &format!("/api/v1/invoices/{id}/pdf")).header("if-none-match", etag);
        if [issued, paid, void].contains(&id) {
            assert_eq!((&after.body, after.header("etag")), (&before.body, Some(etag)));
            again.send().await.ok(304);
        } else {
            assert_parties(&after.body, CURRENT);
            assert_ne!(after.header("etag"), Some(etag));
            again.send().await.ok(200);
        }
    }
    for (id, name) in exported(&alice).await {
        let was_issued = [issued, paid, void].contains(&&id);
        assert_eq!(name, if was_issued { "Old Lighthouse" } else { "New Harbour" });
    }

    // A voided invoice still shows the old names. An invoice that is issued later shows the new names.
    step(&alice, issued, "void", "\"2\"").await;
    assert_parties(&printed(&alice, issued).await.body, AT_ISSUE);
    step(&alice, draft, "issue", "\"1\"").await;
    assert_parties(&printed(&alice, draft).await.body, CURRENT);
}

/// A refused issue stores no parties.
#[actix_web::test]
async fn parties_are_stored_together_with_the_number() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let id = invoice(&alice, &customer(&alice).await).await;
    let before = app.digest_all().await;
    let issue = format!("/api/v1/invoices/{id}/issue");
    alice.request(Method::POST, &issue).header("if-match", "\"7\"").send().await.assert_refused(412, "stale_version");
    assert_eq!(app.digest_all().await, before);
    step(&alice, &id, "issue", "\"1\"").await;
    let stored: Vec<Value> =
        sqlx::query_scalar("select to_jsonb(p) - 'owner_id' - 'invoice_id' from invoice_parties p")
            .fetch_all(&app.all_rows)
            .await
            .unwrap();
    let expected = json!({"seller_name": "alice", "seller_email": "alice@example.com", "seller_address": null,
        "seller_country": null, "seller_vat_id": null, "seller_registration": null, "seller_iban": null,
        "seller_bic": null, "customer_name": "Old Lighthouse",
        "customer_email": "old@lighthouse.example", "customer_address": "1 Old Pier", "customer_tax_id": "OLD1"});
    assert_eq!(stored, [expected]);
}
