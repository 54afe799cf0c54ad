//! A customer's life: create, list, read, change, delete.

use reqwest::Method;
use serde_json::json;

use crate::support::{Actor, TestApp};

const LIST: &str = "/api/v1/customers";

#[actix_web::test]
async fn a_customer_is_created_read_changed_and_deleted() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let given = json!({
        "name": "Åsa Öberg AB", "email": "Billing@Acme.Example", "address": "1 Road\nTown", "tax_id": "NL001", "default_currency": "JPY"
    });
    let created = alice.post(LIST, &given).await.ok(201);
    let (id, at) = (created.json()["id"].clone(), created.json()["created_at"].clone());
    let mut whole = json!({
        "id": id, "name": "Åsa Öberg AB", "email": "billing@acme.example", "address": "1 Road\nTown", "tax_id": "NL001",
        "default_currency": "JPY", "created_at": at, "updated_at": at
    });
    assert_eq!(created.json(), whole);
    let path = created.header("location").unwrap().to_owned();
    assert_eq!(path, format!("{LIST}/{}", id.as_str().unwrap()));
    assert_eq!(created.header("etag"), Some("\"1\""));

    let read = alice.get(&path).await.ok(200);
    assert_eq!((read.json(), read.header("etag")), (whole.clone(), Some("\"1\"")));
    assert_eq!(alice.get(LIST).await.ok(200).json(), json!({"items": [whole], "next_cursor": null}));

    // What is left out stays, null clears.
    let changed = alice.patch(&path, "\"1\"", &json!({"name": "Åsa", "tax_id": null})).await.ok(200);
    whole["name"] = json!("Åsa");
    whole["tax_id"] = json!(null);
    whole["updated_at"] = changed.json()["updated_at"].clone();
    assert_ne!(whole["updated_at"], at);
    assert_eq!((changed.json(), changed.header("etag")), (whole.clone(), Some("\"2\"")));
    assert_eq!(alice.get(&path).await.ok(200).json(), whole);

    assert!(alice.delete(&path, "\"2\"").await.ok(204).body.is_empty());
    alice.get(&path).await.refused(404, "not_found");
    assert_eq!(alice.get(LIST).await.ok(200).json(), json!({"items": [], "next_cursor": null}));
}

#[actix_web::test]
async fn only_name_and_currency_are_needed() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let reply = alice.post(LIST, &json!({"name": "A", "default_currency": "EUR"})).await.ok(201).json();
    for field in ["email", "address", "tax_id"] {
        assert_eq!(reply[field], json!(null));
    }
    let before = app.everything().await;
    let reply = alice.post(LIST, &json!({})).await;
    reply.refused_field("/name");
    alice.post(LIST, &json!({"name": "A"})).await.refused_field("/default_currency");
    assert_eq!(app.everything().await, before);
}

#[actix_web::test]
async fn a_field_that_does_not_fit_is_named_and_nothing_changes() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let path = format!("{LIST}/{}", alice.customer().await);
    let before = app.everything().await;
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("   ")),
        ("name", json!("a\nb")),
        ("name", json!("\u{202e}moc")),
        ("name", json!("é".repeat(201))),
        ("name", json!(null)),
        ("name", json!(5)),
        ("email", json!("no address")),
        ("email", json!("a@b.example\r\nBcc: c@d.example")),
        ("email", json!(format!("{}@b.example", "a".repeat(95)))),
        ("address", json!("a".repeat(501))),
        ("address", json!("a\u{0}")),
        ("tax_id", json!("1".repeat(51))),
        ("tax_id", json!("")),
        ("default_currency", json!("eur")),
        ("default_currency", json!("XXX")),
        ("default_currency", json!("EURO")),
        ("default_currency", json!(null)),
    ] {
        let mut body = json!({"name": "Acme", "default_currency": "EUR"});
        body[field] = value.clone();
        let pointer = format!("/{field}");
        alice.post(LIST, &body).await.refused_field(&pointer).left(&["input_validation_fail/invalid_input"]);
        alice.patch(&path, "\"1\"", &json!({field: value})).await.refused_field(&pointer);
    }
    assert_eq!(app.everything().await, before);
    // Lengths are of characters.
    alice.post(LIST, &json!({"name": "é".repeat(200), "default_currency": "EUR"})).await.ok(201);
}

#[actix_web::test]
async fn a_customer_with_invoices_stays() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = format!("/api/v1/invoices/{}", alice.invoice().await);
    let customer = alice.get(&invoice).await.ok(200).json()["customer_id"].as_str().unwrap().to_owned();
    let path = format!("{LIST}/{customer}");
    let before = app.everything().await;
    alice.delete(&path, "\"1\"").await.refused(409, "customer_has_invoices").left(&[]);
    assert_eq!(app.everything().await, before);
    alice.delete(&invoice, "\"1\"").await.ok(204);
    alice.delete(&path, "\"1\"").await.ok(204);
}

async fn page(actor: &Actor, query: &str) -> (Vec<String>, Option<String>) {
    let page = actor.request(Method::GET, &format!("{LIST}?{query}")).send().await.ok(200).json();
    let names = page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect();
    (names, page["next_cursor"].as_str().map(str::to_owned))
}

#[actix_web::test]
async fn a_list_comes_in_pages_newest_first() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    for n in 0..25 {
        let named = json!({"name": format!("{n:02}"), "default_currency": "EUR"});
        alice.post(LIST, &named).await.ok(201);
        bob.customer().await;
    }
    // All at one moment for some of them: then the id decides.
    sqlx::query("update customers set created_at = '2026-01-01' where name in ('03', '04', '05', '06', '07', '08')")
        .execute(&app.all_rows)
        .await
        .unwrap();
    let mut seen = Vec::new();
    let mut query = "limit=10".to_owned();
    let mut sizes = Vec::new();
    loop {
        let (names, next) = page(&alice, &query).await;
        sizes.push(names.len());
        seen.extend(names);
        let Some(next) = next else { break };
        // What comes in between does not move the pages.
        alice.customer().await;
        query = format!("limit=10&cursor={next}");
    }
    assert_eq!(sizes, [10, 10, 5]);
    let newest: Vec<String> = (9..25).rev().chain([2, 1, 0]).map(|n| format!("{n:02}")).collect();
    let (by_time, same_moment) = seen.split_at(19);
    assert_eq!(by_time, newest);
    let mut same_moment = same_moment.to_vec();
    same_moment.sort();
    assert_eq!(same_moment, ["03", "04", "05", "06", "07", "08"]);

    assert_eq!(page(&alice, "").await.0.len(), 20, "by default");
    assert_eq!(page(&alice, "limit=100").await.0.len(), 27);
    // Exactly as many as there are: no next page that would be empty.
    let (names, next) = page(&alice, "limit=27").await;
    assert_eq!((names.len(), next), (27, None));
}

#[actix_web::test]
async fn a_page_has_from_one_to_a_hundred_items() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for limit in ["0", "101", "-1", "1.5", "ten", "", "4294967296", "18446744073709551617", "+5%20"] {
        let reply = alice.get(&format!("{LIST}?limit={limit}")).await;
        reply.refused_field("/limit").left(&["input_validation_fail/invalid_input"]);
        assert!(reply.statements().is_empty());
    }
    for limit in [1, 100] {
        alice.get(&format!("{LIST}?limit={limit}")).await.ok(200);
    }
}
