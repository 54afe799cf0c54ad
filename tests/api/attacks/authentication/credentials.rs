//! API2: user enumeration at login (CWE-204, CWE-208), and tokens of mails used as access tokens.

use reqwest::Method;
use serde_json::json;

use crate::support::actor::{PASSWORD, mail_token, register, try_sign_in};
use crate::support::client::Client;
use crate::support::{Reply, TestApp};

const WRONG: &str = "correct horse battery 8";

fn hashes(app: &TestApp) -> usize {
    app.services().credentials.passwords.hashes()
}

/// A reply, with the hashes that it took.
async fn counted(app: &TestApp, client: &Client, email: &str, password: &str) -> (Reply, usize) {
    let before = hashes(app);
    let reply = try_sign_in(client, email, password).await;
    (reply, hashes(app) - before)
}

/// The reply, the statements and the hashes are the same for every reason; only the log tells them apart.
#[actix_web::test]
async fn a_failed_sign_in_is_the_same_whatever_was_wrong() {
    // The account's lock alone, so that each reason is seen after the full work.
    let wide = ("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", "100000/1h");
    let pair = ("STRONGROOM_LOGIN_FAILURES_PER_PAIR", "100000/1h");
    let app = TestApp::with(&[wide, pair]).await;
    let (alice, disabled) = (app.user("alice").await, app.user("disabled").await);
    sqlx::query("update users set status = 'disabled' where email = $1")
        .bind(&disabled.email)
        .execute(&app.all_rows)
        .await
        .unwrap();
    let anonymous = app.anonymous();
    register(&anonymous, "unconfirmed@example.com").await.ok(202);
    let locked = app.user("locked").await;
    for _ in 0..10 {
        try_sign_in(&anonymous, &locked.email, WRONG).await.assert_refused(401, "invalid_credentials");
    }
    let before = app.digest_all().await;

    let (first, cost) = counted(&app, &anonymous, "nobody@example.com", WRONG).await;
    first.assert_refused(401, "invalid_credentials").assert_events(&["authn_login_fail/unknown_account"]);
    assert_eq!((cost, first.header("set-cookie")), (1, None));
    for (email, password, reason) in [
        ("alice@example.com", WRONG, "wrong_password"),
        ("ALICE@EXAMPLE.COM", WRONG, "wrong_password"),
        ("disabled@example.com", PASSWORD, "disabled"),
        ("disabled@example.com", WRONG, "wrong_password"),
        ("unconfirmed@example.com", PASSWORD, "unknown_account"),
        ("nobody@example.com", PASSWORD, "unknown_account"),
        ("locked@example.com", PASSWORD, "correct_password_while_locked"),
        ("locked@example.com", WRONG, "locked"),
        ("not an address", PASSWORD, "unknown_account"),
        ("", PASSWORD, "unknown_account"),
        ("alice@example.com' or true--", PASSWORD, "unknown_account"),
        ("nobody@example.com", "x", "unknown_account"),
        ("alice@example.com", "x", "wrong_password"),
        ("alice@example.com", "", "wrong_password"),
    ] {
        let (reply, cost) = counted(&app, &anonymous, email, password).await;
        assert_eq!(reply.comparable(), first.comparable(), "{email} {password}");
        assert_eq!(reply.statements(), first.statements(), "{email} {password}");
        assert_eq!((cost, reply.events()), (1, vec![format!("authn_login_fail/{reason}")]), "{email} {password}");
    }
    assert_eq!(app.digest_all().await, before);
    alice.get("/api/v1/me").await.ok(200);
}

/// Old hashes get stronger when their owner signs in, and only then.
#[actix_web::test]
async fn a_hash_with_older_parameters_is_made_anew_at_the_next_sign_in() {
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

/// A token is for one thing: what opens a mail's door opens no other.
#[actix_web::test]
async fn a_mails_token_signs_nobody_in() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    register(&anonymous, "eve@example.com").await.ok(202);
    let token = mail_token(&app, "eve@example.com").await;
    let get = anonymous.request(Method::GET, "/api/v1/me").bearer(&token).send().await;
    get.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/malformed"]);
    let reset = json!({"token": token, "new_password": "another horse battery 7"});
    anonymous
        .request(Method::POST, "/api/v1/auth/password-reset/confirm")
        .json(&reset)
        .send()
        .await
        .assert_invalid_field("/token");
}
