//! API2:2023: user enumeration by registration and reset, account pre-hijacking, and misuse of tokens in mails.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::{
    PASSWORD, confirm, mail_token, mails, newest_mail, register, reset_token, token_in, try_sign_in,
};
use crate::support::{Actor, Reply, TestApp, wait};

const OTHER: &str = "another horse battery 7";

async fn post(app: &TestApp, path: &str, body: Value) -> Reply {
    app.anonymous().request(Method::POST, &format!("/api/v1/auth/{path}")).json(&body).send().await
}

async fn rows(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.all_rows).await.unwrap()
}

/// Returns what a request causes: the response, its statements and events, the number of hashes, and the number of
/// queued mails. An attacker could use a difference to find registered addresses.
async fn observed(
    app: &TestApp,
    ask: impl Future<Output = Reply>,
) -> (impl PartialEq + std::fmt::Debug, Vec<String>, Vec<String>, usize, i64) {
    let passwords = &app.services().credentials.passwords;
    let (hashes, queued) = (passwords.hashes(), rows(app, "select count(*) from outbox").await);
    let reply = ask.await;
    let queued = rows(app, "select count(*) from outbox").await - queued;
    (reply.comparable(), reply.statements(), reply.events(), passwords.hashes() - hashes, queued)
}

#[actix_web::test]
async fn registration_of_known_address_is_indistinguishable() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = app.digest(&["users", "sessions"]).await;
    let client = app.anonymous();
    let unknown = observed(&app, register(&client, "unknown@example.com")).await;
    assert_eq!((unknown.3, unknown.4), (0, 1), "one registration computes no hash and queues one mail");
    assert_eq!(unknown.2, ["authn_registration_requested/"]);
    for spelling in [alice.email.as_str(), "ALICE@example.com", "Alice@EXAMPLE.com"] {
        let known = observed(&app, register(&client, spelling)).await;
        assert_eq!(known, unknown, "{spelling}");
    }
    assert_eq!(app.digest(&["users", "sessions"]).await, before);
    // Only the mail may differ: the owner of an existing account gets a mail without a token.
    assert!(newest_mail(&app, "unknown@example.com").await.contains("#token="));
    wait::until("a mail to the owner", async || mails(&app, &alice.email).len() >= 2).await;
    let mail = mails(&app, &alice.email).pop().unwrap();
    assert!(!mail.contains("#token="), "{mail}");
}

#[actix_web::test]
async fn reset_request_is_indistinguishable_for_unknown_disabled_and_unconfirmed_address() {
    let app = TestApp::start().await;
    let (alice, disabled) = (app.user("alice").await, app.user("disabled").await);
    register(&app.anonymous(), "unconfirmed@example.com").await.ok(202);
    sqlx::query("update users set status = 'disabled' where email = $1")
        .bind(&disabled.email)
        .execute(&app.all_rows)
        .await
        .unwrap();
    let before = app.digest(&["users", "sessions"]).await;
    let request = |email: &str| post(&app, "password-reset", json!({"email": email}));
    let known = observed(&app, request(&alice.email)).await;
    assert_eq!((known.3, known.4), (0, 1));
    assert_eq!(known.2, ["authn_reset_requested/"]);
    for email in ["unknown@example.com", "disabled@example.com", "unconfirmed@example.com"] {
        assert_eq!(observed(&app, request(email)).await, known, "{email}");
    }
    assert_eq!(app.digest(&["users", "sessions"]).await, before);
    let token = reset_token(&app, &alice.email, "").await;
    assert_eq!(token.len(), 43, "256 bits");
    for email in ["unknown@example.com", "disabled@example.com"] {
        assert!(!mails(&app, email).iter().any(|mail| mail.contains("/reset")), "{email}");
    }
}

#[actix_web::test]
async fn confirmation_token_works_once_and_expires() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let confirm = |token: &str| {
        let (client, token) = (client.clone(), token.to_owned());
        async move { confirm(&client, &token, PASSWORD, "Eve").await }
    };
    let hashes = || app.services().credentials.passwords.hashes();
    register(&app.anonymous(), "eve@example.com").await.ok(202);
    let token = mail_token(&app, "eve@example.com").await;
    assert_eq!(rows(&app, "select count(*) from users").await, 0, "the user does not exist before the confirmation");
    post(&app, "password-reset/confirm", json!({"token": token, "new_password": OTHER}))
        .await
        .assert_invalid_field("/token");
    let before = hashes();
    let wrong = confirm(&"A".repeat(43)).await;
    wrong.assert_invalid_field("/token").assert_events(&["input_validation_fail/invalid_input"]);
    let cut = &token[..42];
    for dead in [cut, &format!("{token}A"), &token.to_lowercase(), "", "x"] {
        assert_eq!(confirm(dead).await.comparable(), wrong.comparable(), "{dead}");
    }
    assert_eq!(hashes(), before, "an invalid token must not cost a password hash");
    let created = confirm(&token).await.ok(204);
    created.assert_events(&["user_created/confirmed"]);
    assert_eq!(created.header("set-cookie"), None, "a confirmation does not log the user in");
    assert_eq!(confirm(&token).await.comparable(), wrong.comparable());
    assert_eq!(hashes(), before + 1);

    register(&app.anonymous(), "late@example.com").await.ok(202);
    let token = mail_token(&app, "late@example.com").await;
    app.clock.advance(TimeDelta::hours(24) + TimeDelta::seconds(1));
    assert_eq!(confirm(&token).await.comparable(), wrong.comparable());
    assert_eq!(rows(&app, "select count(*) from users").await, 1);
}

/// Account pre-hijacking (CWE-287): an attacker registers the victim's address, and waits until the victim opens the
/// link in the mail. The account always gets the password that the victim chooses.
#[actix_web::test]
async fn attacker_cannot_choose_password_of_registered_victim() {
    const ATTACKERS: &str = OTHER;
    let app = TestApp::start().await;
    let (attacker, victim) = (app.client_from([127, 6, 6, 6].into()), app.client_from([127, 1, 1, 1].into()));
    for field in ["password", "display_name", "bio"] {
        let body = json!({"email": "victim@example.com", field: ATTACKERS});
        let reply = attacker.request(Method::POST, "/api/v1/auth/register").json(&body).send().await;
        reply.assert_invalid_field(&format!("/{field}")).assert_events(&["input_validation_fail/invalid_input"]);
    }
    assert_eq!(rows(&app, "select count(*) from registrations").await, 0);
    for link in [0, 4, 5] {
        let email = format!("victim{link}@example.com");
        for _ in 0..5 {
            register(&attacker, &email).await.ok(202);
        }
        // The attacker's network has used up its mails to this mailbox. The victim's network has its own budget.
        register(&victim, &email).await.ok(202);
        wait::until_equal(6, async || mails(&app, &email).len()).await;
        let tokens: Vec<String> = mails(&app, &email).iter().map(|mail| token_in(mail)).collect();
        confirm(&victim, &tokens[link], PASSWORD, "Victim").await.ok(204).assert_events(&["user_created/confirmed"]);
        for token in &tokens {
            confirm(&attacker, token, ATTACKERS, "Mallory").await.assert_invalid_field("/token");
        }
        assert_eq!(
            rows(&app, "select count(*) from registrations").await,
            0,
            "each confirmation deletes its registration"
        );
        try_sign_in(&attacker, &email, ATTACKERS).await.assert_refused(401, "invalid_credentials");
        let owner = Actor::sign_in(&victim, &email, PASSWORD).await;
        assert_eq!(owner.get("/api/v1/me").await.ok(200).json()["display_name"], "Victim");
    }
    let columns: Vec<String> = sqlx::query_scalar(
        "select attname::text from pg_attribute
         where attrelid = 'registrations'::regclass and attnum > 0 and not attisdropped order by attnum",
    )
    .fetch_all(&app.all_rows)
    .await
    .unwrap();
    assert_eq!(
        columns,
        ["id", "email", "token_hash", "created_at", "expires_at"],
        "a registration has only these columns"
    );
}

/// The user can correct the password or the name, and use the same link again.
#[actix_web::test]
async fn refused_password_or_name_leaves_the_confirmation_token_alive() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    register(&client, "grace.hopper@example.com").await.ok(202);
    let token = mail_token(&app, "grace.hopper@example.com").await;
    confirm(&client, &token, "short", "Grace").await.assert_invalid_field("/password");
    confirm(&client, &token, "grace.hopper.grace.hopper", "Grace").await.assert_invalid_field("/password");
    confirm(&client, &token, PASSWORD, "").await.assert_invalid_field("/display_name");
    assert_eq!(rows(&app, "select count(*) from users").await, 0);
    confirm(&client, &token, PASSWORD, "Grace").await.ok(204);
}

/// One confirmation succeeds, and the other gets the error of an invalid token.
/// To make them race, the test inserts a user with this address, and rolls back when both wait for this row.
#[actix_web::test]
async fn concurrent_confirmations_of_one_address_create_one_account() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    for _ in 0..2 {
        register(&client, "eve@example.com").await.ok(202);
    }
    wait::until_equal(2, async || mails(&app, "eve@example.com").len()).await;
    let tokens: Vec<String> = mails(&app, "eve@example.com").iter().map(|mail| token_in(mail)).collect();
    let mut held = app.all_rows.begin().await.unwrap();
    let insert = "insert into users (id, email, display_name, password_hash, created_at, updated_at)
        values (gen_random_uuid(), 'eve@example.com', 'Eve', '$argon2id$', now(), now())";
    sqlx::query(insert).execute(&mut *held).await.unwrap();
    let release = async {
        wait::until_blocked(&app, 2).await;
        held.rollback().await.unwrap();
    };
    let (one, other, ()) = tokio::join!(
        confirm(&client, &tokens[0], PASSWORD, "Eve"),
        confirm(&client, &tokens[1], OTHER, "Eve"),
        release
    );
    let (created, refused) = if one.status == 204 { (one, other) } else { (other, one) };
    created.ok(204);
    refused.assert_invalid_field("/token");
    assert_eq!(rows(&app, "select count(*) from users").await, 1);
}

/// Spam through the service: a display name or a `Host` header must not appear in a mail (CWE-640).
#[actix_web::test]
async fn mail_contains_no_client_input() {
    let app = TestApp::start().await;
    let name = "Win a prize at evil.example";
    register(&app.anonymous(), "victim@example.com").await.ok(202);
    let mail = newest_mail(&app, "victim@example.com").await;
    confirm(&app.anonymous(), &token_in(&mail), PASSWORD, name).await.ok(204);
    post(&app, "password-reset", json!({"email": "victim@example.com"})).await.ok(202);
    reset_token(&app, "victim@example.com", "").await;
    for mail in mails(&app, "victim@example.com") {
        assert!(!mail.contains("evil.example") && !mail.contains("prize"), "{mail}");
    }
    // Links in mails must use the configured URL. A link with the `Host` header of the request could lead to the
    // attacker's server.
    let spoofed = app
        .anonymous()
        .request(Method::POST, "/api/v1/auth/register")
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .json(&json!({"email": "other@example.com"}))
        .send()
        .await;
    spoofed.ok(202);
    let mail = newest_mail(&app, "other@example.com").await;
    assert!(mail.contains(&app.services().settings.http.public_url) && !mail.contains("evil.example"), "{mail}");
    for bad in
        ["victim@example.com\r\nBcc: all@example.com", "victim@example.com, all@example.com", "<all@example.com>"]
    {
        register(&app.anonymous(), bad).await.assert_invalid_field("/email");
    }
}

/// An attacker who reads the database finds no usable token (CWE-312).
#[actix_web::test]
async fn stored_rows_contain_no_usable_secret() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    post(&app, "password-reset", json!({"email": alice.email})).await.ok(202);
    let reset = reset_token(&app, &alice.email, "").await;
    register(&app.anonymous(), "eve@example.com").await.ok(202);
    let unused = mail_token(&app, "eve@example.com").await;
    let tables =
        "select oid::regclass::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&app.all_rows).await.unwrap();
    for table in tables {
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&app.all_rows).await.unwrap();
        for secret in [&reset, &unused, &alice.cookie, &alice.token, &PASSWORD.to_owned()] {
            assert!(!text.contains(secret.as_str()), "{table}");
        }
    }
}
