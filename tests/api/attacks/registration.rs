//! API2: learning who is registered, taking a stranger's address, flooding a mailbox, and using a
//! mail's token otherwise than it was meant.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::{PASSWORD, mail_token, mails, newest_mail, reset_token, try_sign_in};
use crate::support::{Reply, TestApp, wait};

const OTHER: &str = "another horse battery 7";

async fn post(app: &TestApp, path: &str, body: Value) -> Reply {
    app.anybody().request(Method::POST, &format!("/api/v1/auth/{path}")).json(&body).send().await
}

async fn register(app: &TestApp, email: &str, password: &str, name: &str) -> Reply {
    post(app, "register", json!({"email": email, "password": password, "display_name": name})).await
}

async fn rows(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.all_rows).await.unwrap()
}

/// What a stranger can see of a reply, and what it cost.
async fn seen(
    app: &TestApp,
    ask: impl Future<Output = Reply>,
) -> (impl PartialEq + std::fmt::Debug, Vec<String>, Vec<String>, usize, i64) {
    let passwords = &app.services().credentials.passwords;
    let (hashes, queued) = (passwords.hashes(), rows(app, "select count(*) from mail_outbox").await);
    let reply = ask.await;
    let queued = rows(app, "select count(*) from mail_outbox").await - queued;
    (reply.alike(), reply.statements(), reply.events(), passwords.hashes() - hashes, queued)
}

#[actix_web::test]
async fn registration_is_the_same_for_a_known_address() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = app.digest(&["users", "sessions"]).await;
    let unknown = seen(&app, register(&app, "nobody@example.com", PASSWORD, "N")).await;
    assert_eq!((unknown.3, unknown.4), (1, 1), "one hash, one mail");
    assert_eq!(unknown.2, ["authn_registration_requested/"]);
    for spelling in [alice.email.as_str(), "ALICE@example.com", "Alice@EXAMPLE.com"] {
        let known = seen(&app, register(&app, spelling, OTHER, "N")).await;
        assert_eq!(known, unknown, "{spelling}");
    }
    assert_eq!(app.digest(&["users", "sessions"]).await, before);
    // Her password is still hers, and the mail tells her, and only her, that she has an account.
    try_sign_in(&app.anybody(), &alice.email, OTHER).await.refused(401, "invalid_credentials");
    try_sign_in(&app.anybody(), &alice.email, PASSWORD).await.ok(200);
    assert!(newest_mail(&app, "nobody@example.com").await.contains("#token="));
    wait::holds("she is told", async || mails(&app, &alice.email).len() >= 2).await;
    let told = mails(&app, &alice.email).pop().unwrap();
    assert!(!told.contains("#token="), "{told}");
}

#[actix_web::test]
async fn a_reset_is_the_same_for_an_unknown_a_disabled_and_an_unconfirmed_address() {
    let app = TestApp::start().await;
    let (alice, disabled) = (app.user("alice").await, app.user("disabled").await);
    register(&app, "unconfirmed@example.com", PASSWORD, "U").await.ok(202);
    sqlx::query("update users set status = 'disabled' where email = $1")
        .bind(&disabled.email)
        .execute(&app.all_rows)
        .await
        .unwrap();
    let before = app.digest(&["users", "sessions"]).await;
    let ask = |email: &str| post(&app, "password-reset", json!({"email": email}));
    let known = seen(&app, ask(&alice.email)).await;
    assert_eq!((known.3, known.4), (0, 1));
    assert_eq!(known.2, ["authn_reset_requested/"]);
    for email in ["nobody@example.com", "disabled@example.com", "unconfirmed@example.com"] {
        assert_eq!(seen(&app, ask(email)).await, known, "{email}");
    }
    assert_eq!(app.digest(&["users", "sessions"]).await, before);
    let token = reset_token(&app, &alice.email, "").await;
    assert_eq!(token.len(), 43, "256 bits");
    for email in ["nobody@example.com", "disabled@example.com"] {
        assert!(!mails(&app, email).iter().any(|mail| mail.contains("/reset")), "{email}");
    }
}

#[actix_web::test]
async fn a_confirmation_works_once_in_time_and_for_nothing_else() {
    let app = TestApp::start().await;
    let confirm = |token: &str| post(&app, "confirm", json!({"token": token}));
    register(&app, "eve@example.com", PASSWORD, "Eve").await.ok(202);
    let token = mail_token(&app, "eve@example.com").await;
    assert_eq!(rows(&app, "select count(*) from users").await, 0, "nobody before the mail is answered");
    post(&app, "password-reset/confirm", json!({"token": token, "new_password": OTHER})).await.refused_field("/token");
    let wrong = confirm(&"A".repeat(43)).await;
    wrong.refused_field("/token").left(&["input_validation_fail/invalid_input"]);
    let cut = &token[..42];
    for dead in [cut, &format!("{token}A"), &token.to_lowercase(), "", "x"] {
        assert_eq!(confirm(dead).await.alike(), wrong.alike(), "{dead}");
    }
    let made = confirm(&token).await.ok(204);
    made.left(&["user_created/confirmed"]);
    assert_eq!(made.header("set-cookie"), None, "nobody is signed in by it");
    assert_eq!(confirm(&token).await.alike(), wrong.alike());

    register(&app, "late@example.com", PASSWORD, "Late").await.ok(202);
    let token = mail_token(&app, "late@example.com").await;
    app.clock.turn(TimeDelta::hours(24) + TimeDelta::seconds(1));
    assert_eq!(confirm(&token).await.alike(), wrong.alike());
    assert_eq!(rows(&app, "select count(*) from users").await, 1);
}

/// Whoever asks first for a stranger's address neither gets it nor keeps it from its owner.
#[actix_web::test]
async fn an_address_belongs_to_whoever_reads_its_mail() {
    let app = TestApp::start().await;
    register(&app, "alice@example.com", OTHER, "Mallory").await.ok(202);
    let mallorys = mail_token(&app, "alice@example.com").await;
    register(&app, "alice@example.com", PASSWORD, "Alice").await.ok(202);
    wait::equal(2, async || mails(&app, "alice@example.com").len()).await;
    let hers = mail_token(&app, "alice@example.com").await;
    assert_ne!(hers, mallorys);
    post(&app, "confirm", json!({"token": hers})).await.ok(204);
    post(&app, "confirm", json!({"token": mallorys})).await.refused_field("/token");
    try_sign_in(&app.anybody(), "alice@example.com", OTHER).await.refused(401, "invalid_credentials");
    try_sign_in(&app.anybody(), "alice@example.com", PASSWORD).await.ok(200);
}

#[actix_web::test]
async fn a_reset_works_once_in_time_and_the_newest_only() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let ask = async || post(&app, "password-reset", json!({"email": alice.email})).await.ok(202);
    let choose = |token: &str, password: &str| {
        post(&app, "password-reset/confirm", json!({"token": token, "new_password": password}))
    };
    ask().await.left(&["authn_reset_requested/"]);
    let first = reset_token(&app, &alice.email, "").await;
    ask().await;
    let second = reset_token(&app, &alice.email, &first).await;
    choose(&first, OTHER).await.refused_field("/token");
    // A password that may not be chosen is told, and the token lives on.
    choose(&second, "short").await.refused_field("/new_password");
    choose(&second, "alice alice alice").await.refused_field("/new_password");
    let done = choose(&second, OTHER).await.ok(204);
    assert!(done.events().contains(&"authn_password_change/reset".to_owned()), "{:?}", done.events());
    let cookies: Vec<_> = done.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 1, "nobody is signed in by it");
    assert!(done.header("set-cookie").unwrap().starts_with("__Host-device="));
    choose(&second, PASSWORD).await.refused_field("/token");
    try_sign_in(&app.anybody(), &alice.email, PASSWORD).await.refused(401, "invalid_credentials");
    try_sign_in(&app.anybody(), &alice.email, OTHER).await.ok(200);

    ask().await;
    let third = reset_token(&app, &alice.email, &second).await;
    app.clock.turn(TimeDelta::minutes(30) + TimeDelta::seconds(1));
    let before = app.everything().await;
    choose(&third, PASSWORD).await.refused_field("/token");
    assert_eq!(app.everything().await, before);
}

/// Two who hold the same token: one gets through.
#[actix_web::test]
async fn a_token_that_is_used_twice_at_once_is_used_once() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    post(&app, "password-reset", json!({"email": alice.email})).await.ok(202);
    let token = reset_token(&app, &alice.email, "").await;
    let choose =
        |password: &str| post(&app, "password-reset/confirm", json!({"token": token, "new_password": password}));
    let (one, other) = tokio::join!(choose(OTHER), choose("a third horse battery 3"));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 400]);
}

#[actix_web::test]
async fn nobodys_mailbox_is_flooded_and_a_flood_shows_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for email in [alice.email.as_str(), "nobody@example.com"] {
        let mut replies = Vec::new();
        for _ in 0..8 {
            replies.push(post(&app, "password-reset", json!({"email": email})).await.ok(202));
            replies.push(register(&app, email, PASSWORD, "N").await.ok(202));
        }
        assert!(replies.iter().all(|reply| reply.alike() == replies[0].alike()), "{email}");
        let queued: Vec<(String, i64)> =
            sqlx::query_as("select kind, count(*) from mail_outbox where recipient = $1 group by kind")
                .bind(email)
                .fetch_all(&app.all_rows)
                .await
                .unwrap();
        assert!(queued.iter().all(|(_, count)| *count <= 5), "{queued:?}");
        assert_eq!(queued.iter().find(|(kind, _)| kind == "reset_password").unwrap().1, 5);
    }
}

/// A display name is enough for "your parcel waits at …": nothing that was typed in is mailed.
#[actix_web::test]
async fn a_mail_carries_nothing_that_somebody_typed() {
    let app = TestApp::start().await;
    let name = "Win a prize at evil.example";
    register(&app, "victim@example.com", PASSWORD, name).await.ok(202);
    let mail = newest_mail(&app, "victim@example.com").await;
    assert!(!mail.contains("evil.example") && !mail.contains("prize"), "{mail}");
    // The link leads to where the configuration says, whatever the request's Host says.
    let spoofed = app
        .anybody()
        .request(Method::POST, "/api/v1/auth/register")
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .json(&json!({"email": "other@example.com", "password": PASSWORD, "display_name": "O"}))
        .send()
        .await;
    spoofed.ok(202);
    let mail = newest_mail(&app, "other@example.com").await;
    assert!(mail.contains(&app.services().settings.http.public_url) && !mail.contains("evil.example"), "{mail}");
    for bad in
        ["victim@example.com\r\nBcc: all@example.com", "victim@example.com, all@example.com", "<all@example.com>"]
    {
        register(&app, bad, PASSWORD, "N").await.refused_field("/email");
    }
}

/// The database holds no token: whoever reads it can answer no mail.
#[actix_web::test]
async fn what_is_kept_opens_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    post(&app, "password-reset", json!({"email": alice.email})).await.ok(202);
    let reset = reset_token(&app, &alice.email, "").await;
    register(&app, "eve@example.com", PASSWORD, "Eve").await.ok(202);
    let confirm = mail_token(&app, "eve@example.com").await;
    for table in
        ["users", "registrations", "password_resets", "sessions", "refresh_tokens", "mail_outbox", "failed_sign_ins"]
    {
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&app.all_rows).await.unwrap();
        for secret in [&reset, &confirm, &alice.cookie, &alice.token, &PASSWORD.to_owned()] {
            assert!(!text.contains(secret.as_str()), "{table}");
        }
    }
}
