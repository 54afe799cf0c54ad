//! The search ignores case in every writing system, and treats all Unicode normalization forms alike.

use serde_json::json;

use crate::support::actor::draft;
use crate::support::{Actor, TestApp};

async fn draft_for(actor: &Actor, name: &str) -> String {
    let customer = json!({"name": name, "default_currency": "EUR"});
    let customer = actor.post("/api/v1/customers", &customer).await.ok(201).json();
    let made = actor.post("/api/v1/invoices", &draft(customer["id"].as_str().unwrap())).await.ok(201);
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn found(actor: &Actor, search: &str) -> Vec<String> {
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("search", search).finish();
    let page = actor.get(&format!("/api/v1/invoices?limit=100&{query}")).await.ok(200).json();
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn search_ignores_case_and_normalization_form_in_every_script() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    for (name, finds, misses) in [
        // Composed (NFC) and decomposed (NFD) forms.
        ("Zürich Insurance", vec!["ZÜRICH", "zürich", "zu\u{308}rich", "ZU\u{308}RICH"], vec!["zurich", "zürichs"]),
        ("Cafe\u{301} Noir", vec!["CAFÉ", "café", "cafe\u{301}"], vec!["cafe noir"]),
        ("Иванов и сыновья", vec!["ИВАНОВ", "иванов", "СЫНОВЬЯ"], vec!["ПЕТРОВ"]),
        ("Łódź Handel", vec!["ŁÓDŹ", "łódź", "ło\u{301}dz\u{301}"], vec!["lodz"]),
        ("Հայաստան", vec!["ՀԱՅԱՍՏԱՆ", "հայաստան"], vec!["հայք"]),
        ("株式会社山田", vec!["山田"], vec!["山口"]),
        ("각하", vec!["각", "\u{1100}\u{1161}\u{11a8}"], vec!["가"]),
        // A final sigma (ς) is a sigma (σ).
        ("Οδοσα ΑΕ", vec!["ΟΔΟΣ", "οδοσ", "οδος"], vec!["οδοί"]),
        ("Straßenbau", vec!["STRASSENBAU", "strassen", "STRAẞEN", "straße"], vec!["strasen"]),
        // Turkish has the different letters İ/i and I/ı, which the search treats as equal.
        (
            "İstanbul Ticaret",
            vec!["istanbul", "ISTANBUL", "İSTANBUL", "ıstanbul", "TİCARET", "TICARET"],
            vec!["stambul"],
        ),
        ("Isparta", vec!["ısparta", "isparta"], vec![]),
    ] {
        let expected = vec![draft_for(&alice, name).await];
        draft_for(&bob, name).await;
        for search in finds {
            assert_eq!(found(&alice, search).await, expected, "{search} in {name}");
        }
        for search in misses {
            assert!(found(&alice, search).await.is_empty(), "{search} in {name}");
        }
    }
}

/// Some letters become several letters in upper case, and the search key becomes longer than the name.
#[actix_web::test]
async fn longest_names_and_searches_are_accepted_when_upper_case_is_longer() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for letter in ["ﬃ", "ΐ", "\u{1f1fa}"] {
        let expected = vec![draft_for(&alice, &letter.repeat(200)).await];
        assert_eq!(found(&alice, &letter.repeat(100)).await, expected, "{letter}");
        let query: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("search", &letter.repeat(101)).finish();
        alice.get(&format!("/api/v1/invoices?{query}")).await.assert_invalid_field("/search");
    }
}

/// `%` and `_` are ordinary characters, also in their full-width forms.
#[actix_web::test]
async fn search_has_no_wildcards() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let expected = vec![draft_for(&alice, r"50% off_\ now").await];
    for search in ["50%", "%", "_", r"\", r"off_\", r"F_\ N"] {
        assert_eq!(found(&alice, search).await, expected, "{search}");
    }
    for search in ["5%off", "50_", "%%", "__", r"\%", r"\\", "％", "＿", "＼", "﹪"] {
        assert!(found(&alice, search).await.is_empty(), "{search}");
    }
}

#[actix_web::test]
async fn search_finds_the_current_customer_name_and_the_search_key_is_read_only() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let expected = vec![draft_for(&alice, "Old Name").await];
    let invoice = format!("/api/v1/invoices/{}", expected[0]);
    alice.request(reqwest::Method::POST, &format!("{invoice}/issue")).header("if-match", "\"1\"").send().await.ok(200);
    let id = alice.get(&invoice).await.json()["customer_id"].as_str().unwrap().to_owned();
    let customer = format!("/api/v1/customers/{id}");
    alice.patch(&customer, "\"1\"", &json!({"name_key": "PLANTED"})).await.assert_invalid_field("/name_key");
    alice.patch(&customer, "\"1\"", &json!({"name": "Новое имя"})).await.ok(200);
    assert_eq!(found(&alice, "НОВОЕ").await, expected, "a search for the current name must also find issued invoices");
    assert!(found(&alice, "old name").await.is_empty());
    let number = alice.get(&invoice).await.json()["number"].as_str().unwrap().to_lowercase();
    assert_eq!(found(&alice, &number).await, expected);
    let planted = sqlx::query("update customers set name_key = 'PLANTED'").execute(&app.all_rows).await;
    assert!(
        planted.unwrap_err().to_string().contains("name_key"),
        "no role can write the generated column, not even a superuser"
    );
}
