//! The service accepts e-mail addresses as users type and paste them, for example with white space around them.

use reqwest::Method;
use serde_json::json;

use crate::support::actor::PASSWORD;
use crate::support::actor::{confirm, mail_token, register, try_sign_in};
use crate::support::{Actor, TestApp};

#[actix_web::test]
async fn white_space_around_address_is_trimmed_on_every_route() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    register(&anonymous, " carol@example.com ").await.ok(202);
    confirm(&anonymous, &mail_token(&app, "carol@example.com").await, PASSWORD, "Carol").await.ok(204);
    for typed in ["carol@example.com ", "\tcarol@example.com", " Carol@Example.com\n", "carol@example.com\u{a0}"] {
        try_sign_in(&anonymous, typed, PASSWORD).await.ok(200);
    }
    let reset = anonymous.request(Method::POST, "/api/v1/auth/password-reset");
    reset.json(&json!({"email": " carol@example.com "})).send().await.ok(202);
    let token = crate::support::actor::reset_token(&app, "carol@example.com", "").await;
    assert!(!token.is_empty());
    let customer = json!({"name": "Acme", "email": " billing@acme.example ", "default_currency": "EUR"});
    let carol = Actor::sign_in(&anonymous, "carol@example.com", PASSWORD).await;
    let kept = carol.post("/api/v1/customers", &customer).await.ok(201).json();
    assert_eq!(kept["email"], "billing@acme.example");
}

/// White space in the address must not give an attacker a second counter.
#[actix_web::test]
async fn failures_of_address_with_white_space_count_for_same_account() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let anonymous = app.anonymous();
    for blanks in 0..5 {
        let typed = format!("{}{}", " ".repeat(blanks), alice.email);
        try_sign_in(&anonymous, &typed, "wrong horse battery 9").await.assert_refused(401, "invalid_credentials");
    }
    try_sign_in(&anonymous, &format!("{} ", alice.email), "wrong horse battery 9")
        .await
        .assert_refused(429, "too_many_requests");
}

#[actix_web::test]
async fn internationalised_domain_is_stored_as_a_labels() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    register(&anonymous, "anna@Bücher.example").await.ok(202);
    let token = mail_token(&app, "anna@xn--bcher-kva.example").await;
    confirm(&anonymous, &token, PASSWORD, "Anna").await.ok(204);
    for typed in ["anna@bücher.example", "anna@xn--bcher-kva.example"] {
        let anna = Actor::sign_in(&anonymous, typed, PASSWORD).await;
        assert_eq!(anna.get("/api/v1/me").await.ok(200).json()["email"], "anna@xn--bcher-kva.example");
    }
}

#[actix_web::test]
async fn too_long_address_is_rejected_with_its_limits() {
    let app = TestApp::start().await;
    let long = format!("{}@{}example.com", "a".repeat(60), "office.".repeat(5));
    let reset = |email: &str| {
        let request = app.anonymous().request(Method::POST, "/api/v1/auth/password-reset");
        request.json(&json!({"email": email})).send()
    };
    for reply in [register(&app.anonymous(), &long).await, reset(&long).await] {
        reply.assert_invalid_field("/email").assert_events(&["input_validation_fail/invalid_input"]);
        let message = "is too long: an address has at most 100 characters, 64 of them before the @";
        assert_eq!(reply.json()["errors"], json!([{"pointer": "/email", "message": message}]));
    }
    let malformed = register(&app.anonymous(), "anna").await;
    malformed.assert_invalid_field("/email");
    let message = "must be an e-mail address, for example anna@example.com";
    assert_eq!(malformed.json()["errors"][0]["message"], message);
}
