//! API2:2023: reset links that are used twice, expired or invalidated (CWE-640), and attempts to invalidate a victim's
//! links.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::{PASSWORD, mails, reset_token, token_in, try_sign_in};
use crate::support::{Actor, Reply, TestApp, wait};

const OTHER: &str = "another horse battery 7";

async fn post(app: &TestApp, path: &str, body: Value) -> Reply {
    app.anonymous().request(Method::POST, &format!("/api/v1/auth/{path}")).json(&body).send().await
}

async fn choose(app: &TestApp, token: &str, password: &str) -> Reply {
    post(app, "password-reset/confirm", json!({"token": token, "new_password": password})).await
}

async fn links(app: &TestApp, email: &str, count: usize) -> Vec<String> {
    for _ in 0..count {
        post(app, "password-reset", json!({"email": email})).await.ok(202);
    }
    let tokens = || -> Vec<String> {
        mails(app, email).iter().filter(|mail| mail.contains("/reset#")).map(|mail| token_in(mail)).collect()
    };
    wait::until_equal(count, async || tokens().len()).await;
    tokens()
}

#[actix_web::test]
async fn reset_link_works_once_and_expires() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    post(&app, "password-reset", json!({"email": alice.email}))
        .await
        .ok(202)
        .assert_events(&["authn_reset_requested/"]);
    let token = reset_token(&app, &alice.email, "").await;
    // A rejected password does not use up the token.
    choose(&app, &token, "short").await.assert_invalid_field("/new_password");
    choose(&app, &token, "alice alice alice").await.assert_invalid_field("/new_password");
    let done = choose(&app, &token, OTHER).await.ok(204);
    assert!(done.events().contains(&"authn_password_change/reset".to_owned()), "{:?}", done.events());
    let cookies: Vec<_> = done.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 1, "a password reset does not log the user in");
    assert!(done.header("set-cookie").unwrap().starts_with("__Host-device="));
    choose(&app, &token, PASSWORD).await.assert_invalid_field("/token");
    try_sign_in(&app.anonymous(), &alice.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    try_sign_in(&app.anonymous(), &alice.email, OTHER).await.ok(200);

    post(&app, "password-reset", json!({"email": alice.email})).await.ok(202);
    let late = reset_token(&app, &alice.email, &token).await;
    app.clock.advance(TimeDelta::minutes(30) + TimeDelta::seconds(1));
    let before = app.digest_all().await;
    choose(&app, &late, PASSWORD).await.assert_invalid_field("/token");
    assert_eq!(app.digest_all().await, before);
}

/// If a new request invalidated earlier links, an attacker could invalidate the link that a victim is about to use.
#[actix_web::test]
async fn later_reset_request_keeps_earlier_links_valid_until_one_is_used() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let tokens = links(&app, &alice.email, 3).await;
    choose(&app, &tokens[0], OTHER).await.ok(204);
    let before = app.digest_all().await;
    for token in &tokens {
        choose(&app, token, "a third horse battery 3").await.assert_invalid_field("/token");
    }
    assert_eq!(app.digest_all().await, before);
    try_sign_in(&app.anonymous(), &alice.email, OTHER).await.ok(200);
}

/// An intruder requests a reset link. Then the owner changes the password, and the link must become invalid.
#[actix_web::test]
async fn password_change_invalidates_reset_links_of_this_user_only() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let bobs = links(&app, &bob.email, 1).await.remove(0);
    let tokens = links(&app, &alice.email, 2).await;
    let change = json!({"current_password": PASSWORD, "new_password": OTHER});
    alice.post("/api/v1/me/password", &change).await.ok(200);
    for token in &tokens {
        choose(&app, token, "a third horse battery 3").await.assert_invalid_field("/token");
    }
    choose(&app, &bobs, OTHER).await.ok(204);
    Actor::sign_in(&app.anonymous(), &alice.email, OTHER).await;
}

/// Two parallel requests use the same link, or two links of one user.
#[actix_web::test]
async fn concurrent_resets_succeed_once() {
    let app = TestApp::start().await;
    for (name, count) in [("alice", 1), ("bob", 2)] {
        let user = app.user(name).await;
        let tokens = links(&app, &user.email, count).await;
        let (first, last) = (&tokens[0], tokens.last().unwrap());
        let (one, other) = tokio::join!(choose(&app, first, OTHER), choose(&app, last, "a third horse battery 3"));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 400], "{name}");
    }
}

/// A reset and a change of the password lock the same rows. If they did not lock them in the same order, they would
/// deadlock. To make them race, the test locks the user's row until both wait, first the change and then the reset.
#[actix_web::test]
async fn reset_during_password_change_does_not_deadlock() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let token = &links(&app, &alice.email, 1).await[0];
    let mut held = app.all_rows.begin().await.unwrap();
    sqlx::query("select id from users for no key update").execute(&mut *held).await.unwrap();
    let body = json!({"current_password": PASSWORD, "new_password": "a third horse battery 3"});
    let reset = async {
        wait::until_blocked(&app, 1).await;
        choose(&app, token, OTHER).await
    };
    let release = async {
        wait::until_blocked(&app, 2).await;
        held.rollback().await.unwrap();
    };
    let (changed, reset, ()) = tokio::join!(alice.post("/api/v1/me/password", &body), reset, release);
    changed.ok(200);
    reset.assert_invalid_field("/token");
}
