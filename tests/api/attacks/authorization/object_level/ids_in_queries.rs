//! Attackers send owner parameters in query strings, look for rows of other users in lists (CWE-639), and forge cursors
//! (CWE-565).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::json;
use strongroom::app::routes::Access;
use strongroom::security::crypto::keys::Tag;
use uuid::Uuid;

use super::without_row_level_security;
use crate::support::actor::payment;
use crate::support::examples::Example;
use crate::support::operations::operations;
use crate::support::{Actor, TestApp};

const INVALID: &str = "input_validation_fail/invalid_input";

#[actix_web::test]
async fn list_refuses_owner_parameters_and_repeated_fields() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let bob_id = bob.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().to_owned();
    let lists = Example::all()
        .into_iter()
        .filter(|list| list.is_paged() && list.access == Access::SignedIn && !list.path.contains("{id}"));
    for list in lists.map(|list| list.path) {
        for field in ["owner_id", "user_id", "owner", "all", "id", "offset", "order_by", "fields"] {
            let reply = alice.get(&format!("{list}?{field}={bob_id}")).await;
            reply.assert_invalid_field(&format!("/{field}")).assert_events(&[INVALID]);
            assert!(reply.statements().is_empty());
        }
        alice.get(&format!("{list}?limit=1&limit=2")).await.assert_invalid_field("/limit").assert_events(&[INVALID]);
    }
    let twice = format!("/api/v1/invoices?customer_id={}&customer_id={bob_id}", Uuid::new_v4());
    alice.get(&twice).await.assert_invalid_field("/customer_id").assert_events(&[INVALID]);
}

async fn cursor(actor: &Actor, list: &str) -> String {
    let mark = if list.contains('?') { '&' } else { '?' };
    let page = actor.get(&format!("{list}{mark}limit=1")).await.ok(200).json();
    page["next_cursor"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn foreign_or_forged_cursor_is_refused() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    for actor in [&alice, &bob] {
        actor.invoice().await;
        actor.invoice().await;
    }
    let own = cursor(&alice, "/api/v1/invoices").await;
    let foreign = cursor(&bob, "/api/v1/invoices").await;
    let splice = |change: &dyn Fn(String) -> String| {
        let bytes = URL_SAFE_NO_PAD.decode(&own).unwrap();
        let (position, tag) = bytes.split_at(bytes.len() - Tag::LENGTH);
        let forged = change(String::from_utf8(position.to_vec()).unwrap());
        URL_SAFE_NO_PAD.encode([forged.as_bytes(), tag].concat())
    };
    let bobs_position = {
        let bytes = URL_SAFE_NO_PAD.decode(&foreign).unwrap();
        String::from_utf8(bytes[..bytes.len() - Tag::LENGTH].to_vec()).unwrap()
    };
    let bad = [
        foreign.clone(),
        cursor(&alice, "/api/v1/customers").await,
        cursor(&alice, "/api/v1/invoices?status=draft").await,
        // The position of Bob's cursor, with the MAC of Alice's cursor.
        splice(&|_| bobs_position.clone()),
        splice(&|position| position.replace("20", "30")),
        splice(&|position| position.replace('{', "{ ")),
        format!("{own}="),
        format!("{own}A"),
        own[..own.len() - 1].to_owned(),
        URL_SAFE_NO_PAD.encode(bobs_position.as_bytes()),
        String::new(),
        "1".to_owned(),
        "..%2f..%2fetc".to_owned(),
        "null".to_owned(),
    ];
    let before = app.digest_all().await;
    let plain = alice.get("/api/v1/invoices?cursor=none").await;
    plain.assert_invalid_field("/cursor").assert_events(&[INVALID]);
    for cursor in &bad {
        let reply = alice.get(&format!("/api/v1/invoices?cursor={cursor}")).await;
        assert_eq!(reply.comparable(), plain.comparable(), "{cursor}");
        assert!(reply.statements().is_empty(), "refused before any SQL statement");
        reply.assert_events(&[INVALID]);
    }
    alice
        .get(&format!("/api/v1/invoices?cursor={}", "A".repeat(600)))
        .await
        .assert_invalid_field("/cursor")
        .assert_events(&[INVALID]);
    // The service also refuses Alice's own cursor with another filter or in another list.
    alice.get(&format!("/api/v1/invoices?status=draft&cursor={own}")).await.assert_invalid_field("/cursor");
    alice.get(&format!("/api/v1/customers?cursor={own}")).await.assert_invalid_field("/cursor");
    assert_eq!(app.digest_all().await, before);
    let rest = alice.get(&format!("/api/v1/invoices?cursor={own}")).await.ok(200).json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn cursor_of_another_parent_object_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut lists = Vec::new();
    for _ in 0..2 {
        let path = format!("/api/v1/invoices/{}", alice.invoice().await);
        alice.request(Method::POST, &format!("{path}/issue")).header("if-match", "\"1\"").send().await.ok(200);
        let list = format!("{path}/payments");
        for _ in 0..2 {
            alice.post(&list, &payment(1)).await.ok(201);
        }
        lists.push(list);
    }
    let own = cursor(&alice, &lists[0]).await;
    let other = alice.get(&format!("{}?cursor={own}", lists[1])).await;
    other.assert_invalid_field("/cursor").assert_events(&[INVALID]);
    assert!(other.statements().is_empty());
    let rest = alice.get(&format!("{}?cursor={own}", lists[0])).await.ok(200).json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
}

async fn lists_contain_only_own_rows(app: &TestApp) {
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    // These words are not hexadecimal, so a random id cannot contain them by chance.
    let customer = json!({"name": "Canary Zoo", "email": "canary@zoo.example", "default_currency": "CHF"});
    let customer = bob.post("/api/v1/customers", &customer).await.ok(201).json()["id"].as_str().unwrap().to_owned();
    let invoice = bob.invoice().await;
    let me = bob.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().to_owned();
    let sessions = bob.get("/api/v1/auth/sessions").await.ok(200).json();
    let session = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    alice.invoice().await;
    let readable = operations()
        .into_iter()
        .filter(|row| row.method == Method::GET && row.access == Access::SignedIn && !row.is_on_object());
    for row in readable {
        let text = alice.get(row.path).await.ok(200).text().to_lowercase();
        for word in ["bob", "canary", "zoo", "chf", &customer, &invoice, &me, &session] {
            assert!(!text.contains(word), "{} shows {word}: {text}", row.path);
        }
    }
}

#[actix_web::test]
async fn no_list_contains_data_of_another_user() {
    let app = TestApp::start().await;
    lists_contain_only_own_rows(&app).await;
}

#[actix_web::test]
async fn scoped_queries_alone_list_only_own_rows() {
    let app = TestApp::start().await;
    without_row_level_security(&app).await;
    lists_contain_only_own_rows(&app).await;
}
