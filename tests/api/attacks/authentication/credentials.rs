//! API2:2023: user enumeration at login (CWE-204, CWE-208), and tokens from mails that are used as access tokens.

use reqwest::Method;
use serde_json::json;

use crate::support::actor::{PASSWORD, mail_token, register, try_sign_in};
use crate::support::client::Client;
use crate::support::{Reply, TestApp};

const WRONG: &str = "correct horse battery 8";

fn hashes(app: &TestApp) -> usize {
    app.services().credentials.passwords.hashes()
}

/// Returns the response and the number of computed password hashes.
async fn counted(app: &TestApp, client: &Client, email: &str, password: &str) -> (Reply, usize) {
    let before = hashes(app);
    let reply = try_sign_in(client, email, password).await;
    (reply, hashes(app) - before)
}

/// Response, statements and number of hashes are the same for every cause. Only the event contains the cause.
#[actix_web::test]
async fn failed_login_is_indistinguishable_for_every_cause() {
    // The default limits per address would refuse the later attempts before hashing.
    let app = TestApp::with(&[
        ("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", "100000/1h"),
        ("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS", "100000/1h"),
    ])
    .await;
    let (alice, disabled) = (app.user("alice").await, app.user("disabled").await);
    sqlx::query("update users set status = 'disabled' where email = $1")
        .bind(&disabled.email)
        .execute(&app.all_rows)
        .await
        .unwrap();
    let client = app.anonymous();
    register(&client, "unconfirmed@example.com").await.ok(202);
    let locked = app.user("locked").await;
    for _ in 0..10 {
        try_sign_in(&client, &locked.email, WRONG).await.assert_refused(401, "invalid_credentials");
    }
    let before = app.digest_all().await;

    let (first, cost) = counted(&app, &client, "unknown@example.com", WRONG).await;
    first.assert_refused(401, "invalid_credentials").assert_events(&["authn_login_fail/unknown_account"]);
    assert_eq!((cost, first.header("set-cookie")), (1, None));
    for (email, password, reason) in [
        ("alice@example.com", WRONG, "wrong_password"),
        ("ALICE@EXAMPLE.COM", WRONG, "wrong_password"),
        ("disabled@example.com", PASSWORD, "disabled"),
        ("disabled@example.com", WRONG, "wrong_password"),
        ("unconfirmed@example.com", PASSWORD, "unknown_account"),
        ("unknown@example.com", PASSWORD, "unknown_account"),
        ("locked@example.com", PASSWORD, "correct_password_while_locked"),
        ("locked@example.com", WRONG, "locked"),
        ("not an address", PASSWORD, "unknown_account"),
        ("", PASSWORD, "unknown_account"),
        ("alice@example.com' or true--", PASSWORD, "unknown_account"),
        ("unknown@example.com", "x", "unknown_account"),
        ("alice@example.com", "x", "wrong_password"),
        ("alice@example.com", "", "wrong_password"),
    ] {
        let (reply, cost) = counted(&app, &client, email, password).await;
        assert_eq!(reply.comparable(), first.comparable(), "{email} {password}");
        assert_eq!(reply.statements(), first.statements(), "{email} {password}");
        assert_eq!((cost, reply.events()), (1, vec![format!("authn_login_fail/{reason}")]), "{email} {password}");
    }
    assert_eq!(app.digest_all().await, before);
    alice.get("/api/v1/me").await.ok(200);
}

/// Only a login with the correct password replaces the hash.
#[actix_web::test]
async fn outdated_hash_is_replaced_at_next_login() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let database = app.stop().await;
    let app = TestApp::on(database, &[("STRONGROOM_PASSWORD_ITERATIONS", "3")]).await;
    let stored = async || {
        let hash: String =
            sqlx::query_scalar("select password_hash from users").fetch_one(&app.all_rows).await.unwrap();
        hash
    };
    assert!(stored().await.contains("t=2,"));
    try_sign_in(&app.anonymous(), &alice.email, WRONG).await.assert_refused(401, "invalid_credentials");
    assert!(stored().await.contains("t=2,"));
    try_sign_in(&app.anonymous(), &alice.email, PASSWORD).await.ok(200);
    assert!(stored().await.contains("t=3,"), "{}", stored().await);
    try_sign_in(&app.anonymous(), &alice.email, PASSWORD).await.ok(200);
}

/// The token of a confirmation mail is neither an access token nor a reset token.
#[actix_web::test]
async fn mail_token_is_rejected_as_access_token() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    register(&client, "eve@example.com").await.ok(202);
    let token = mail_token(&app, "eve@example.com").await;
    let get = client.request(Method::GET, "/api/v1/me").bearer(&token).send().await;
    get.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/malformed"]);
    let reset = json!({"token": token, "new_password": "another horse battery 7"});
    client
        .request(Method::POST, "/api/v1/auth/password-reset/confirm")
        .json(&reset)
        .send()
        .await
        .assert_invalid_field("/token");
}
