//! Brute force on one account, from many networks or with a stolen session.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use super::{OTHER, WRONG, counted, from, guess, lock_mails, number, reset};
use crate::support::actor::{PASSWORD, mails, try_sign_in, try_sign_in_with};
use crate::support::{Actor, Reply, TestApp, wait};

/// During a lock, a correct password gets the same response as a wrong one, so that guesses reveal nothing.
#[actix_web::test]
async fn ten_failures_lock_account_silently_and_notify_owner_once() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for attempt in 1..=10 {
        let mut events = vec!["authn_login_fail/wrong_password"];
        if attempt == 10 {
            assert_eq!(lock_mails(&app).await, (0, 0));
            events.insert(0, "authn_login_lock/brute_force");
        }
        let failed = try_sign_in(&from(&app, attempt), &alice.email, WRONG).await;
        failed.assert_refused(401, "invalid_credentials").assert_events(&events);
    }
    let before = app.digest_all().await;
    let wrong = try_sign_in(&from(&app, 11), "other@example.com", WRONG).await;
    let (correct, cost) = counted(&app, &from(&app, 12), &alice.email, PASSWORD).await;
    assert_eq!((correct.comparable(), cost), (wrong.comparable(), 1));
    assert_eq!(correct.statements(), wrong.statements());
    correct.assert_events(&["authn_login_fail/correct_password_while_locked"]);
    assert_eq!(app.digest_all().await, before);
    guess(&app, &alice.email, 5).await;
    assert_eq!(lock_mails(&app).await, (1, 1), "one mail per lock");
    let lock_mail_kind = async || {
        let is_lock_mail = |mail: &String| mail.contains("guess your password");
        wait::until_some("a mail to the owner", async || mails(&app, &alice.email).into_iter().find(is_lock_mail)).await
    };
    assert!(!lock_mail_kind().await.contains("http"), "attackers can trigger this mail, so it contains no link");

    // The lock does not affect an owner who is already signed in.
    alice.get("/api/v1/me").await.ok(200);
    let change = json!({"current_password": PASSWORD, "new_password": OTHER});
    alice.post("/api/v1/me/password", &change).await.ok(200);
    try_sign_in(&from(&app, 13), &alice.email, OTHER).await.assert_refused(401, "invalid_credentials");
    app.advance_time(TimeDelta::seconds(61)).await;
    try_sign_in(&from(&app, 14), &alice.email, OTHER).await.ok(200);
    // An hour without failures sets the count to zero.
    app.advance_time(TimeDelta::minutes(61)).await;
    guess(&app, &alice.email, 9).await;
    try_sign_in(&from(&app, 15), &alice.email, OTHER).await.ok(200);
    guess(&app, &alice.email, 1).await;
    assert_eq!(lock_mails(&app).await, (2, 2));
}

/// A lock must expire, because an attacker could otherwise lock an account permanently.
#[actix_web::test]
async fn lock_durations_double_up_to_15_minutes_and_expire() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    guess(&app, &alice.email, 10).await;
    let mut network = 0;
    let mut next = || {
        network += 1;
        from(&app, network)
    };
    for wait in [60, 120, 240, 480, 900, 900] {
        app.advance_time(TimeDelta::seconds(wait / 2)).await;
        try_sign_in(&next(), &alice.email, PASSWORD)
            .await
            .assert_events(&["authn_login_fail/correct_password_while_locked"]);
        try_sign_in(&next(), &alice.email, WRONG).await.assert_events(&["authn_login_fail/locked"]);
        app.advance_time(TimeDelta::seconds(wait / 2 + 1)).await;
        try_sign_in(&next(), &alice.email, WRONG).await.assert_events(&["authn_login_fail/wrong_password"]);
    }
    app.advance_time(TimeDelta::seconds(901)).await;
    try_sign_in(&next(), &alice.email, PASSWORD).await.ok(200);
}

/// Attempts during a lock count for the client, but not for the account. A successful login then subtracts more
/// failures from the account's count than it contains. The count must not become negative.
#[actix_web::test]
async fn login_after_attempts_during_lock_resets_counters_to_zero() {
    let app = TestApp::with(&[("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", "2/1h")]).await;
    let alice = app.user("alice").await;
    let client = from(&app, 1);
    for _ in 0..2 {
        try_sign_in(&client, &alice.email, WRONG).await.assert_refused(401, "invalid_credentials");
    }
    for _ in 0..2 {
        try_sign_in(&client, &alice.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    }
    app.advance_time(TimeDelta::seconds(61)).await;
    try_sign_in(&client, &alice.email, PASSWORD).await.ok(200);
    let sql =
        "select sum(failures + in_a_row)::bigint from login_failures where kind in ('account', 'account_and_address')";
    assert_eq!(number(&app, sql).await, 0);
}

/// User enumeration: unknown accounts are counted and locked like known ones. The only difference: the lock mail for an
/// unknown account has no recipient, and is never sent.
#[actix_web::test]
async fn lock_is_indistinguishable_for_unknown_account() {
    let app = TestApp::start().await;
    app.user("alice").await;
    for attempt in 1..=12 {
        let (known, cost) = counted(&app, &from(&app, attempt), "alice@example.com", WRONG).await;
        let (unknown, same_cost) = counted(&app, &from(&app, attempt), "unknown@example.com", WRONG).await;
        assert_eq!(known.comparable(), unknown.comparable(), "{attempt}");
        assert_eq!((known.statements(), cost), (unknown.statements(), same_cost), "{attempt}");
        let locks = |reply: &Reply| reply.events().contains(&"authn_login_lock/brute_force".to_owned());
        assert_eq!((locks(&known), locks(&unknown)), (attempt == 10, attempt == 10), "{attempt}");
    }
    assert_eq!(lock_mails(&app).await, (2, 1));
    let left = number(
        &app,
        "select count(*) from outbox where kind = 'account_locked' and recipient = '' and done_at is null",
    );
    assert_eq!(left.await, 0, "a mail without recipient is never sent");
    let distinct = "select count(distinct (failures, in_a_row)) from login_failures where kind = 'account'";
    assert_eq!(number(&app, distinct).await, 1, "the known and the unknown account have the same counts");
}

/// NIST SP 800-63B §3.2.2: after too many failures in a row (10 in this test), the lock does not expire.
#[actix_web::test]
async fn too_many_consecutive_failures_require_password_reset() {
    let in_a_row = ("STRONGROOM_LOGIN_FAILURES_IN_A_ROW", "10");
    let app = TestApp::with(&[in_a_row, ("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", "20/1h")]).await;
    let alice = app.user("alice").await;
    guess(&app, &alice.email, 9).await;
    let last = try_sign_in(&from(&app, 1), &alice.email, WRONG).await;
    last.assert_refused(401, "invalid_credentials")
        .assert_events(&["authn_login_lock/max_failures", "authn_login_fail/wrong_password"]);
    assert_eq!(lock_mails(&app).await, (1, 1));
    app.advance_time(TimeDelta::days(29)).await;
    let locked = try_sign_in(&from(&app, 2), &alice.email, PASSWORD).await;
    locked
        .assert_refused(401, "invalid_credentials")
        .assert_events(&["authn_login_fail/correct_password_while_locked"]);
    // A known device has its own counter, so its login does not unlock the account for other clients.
    try_sign_in_with(&from(&app, 3), &alice.email, PASSWORD, &alice.device).await.ok(200);
    try_sign_in(&from(&app, 4), &alice.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    let events = reset(&app, &alice.email, &from(&app, 5)).await.events();
    assert!(events.contains(&"authn_password_change/reset".to_owned()), "{events:?}");
    try_sign_in(&from(&app, 6), &alice.email, OTHER).await.ok(200);
}

/// If reset requests counted as failures, any attacker could lock an account (OWASP Forgot Password Cheat Sheet).
#[actix_web::test]
async fn reset_requests_do_not_lock_account() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let counters = app.digest(&["login_failures"]).await;
    for _ in 0..20 {
        let ask = json!({"email": alice.email});
        app.anonymous().request(Method::POST, "/api/v1/auth/password-reset").json(&ask).send().await.ok(202);
    }
    assert_eq!(app.digest(&["login_failures"]).await, counters);
    try_sign_in(&app.anonymous(), &alice.email, PASSWORD).await.ok(200);
}

/// CWE-620: a thief of an access token guesses the password. The limits are 5 failures per session in an hour, and 10
/// consecutive failures per user.
#[actix_web::test]
async fn reauthentication_guesses_are_limited_per_session_and_user() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let change = |actor: Actor, password: &'static str| async move {
        let body = json!({"current_password": password, "new_password": OTHER});
        actor.post("/api/v1/me/password", &body).await
    };
    let mut sessions = vec![alice.token.clone()];
    for _ in 0..2 {
        sessions.push(Actor::sign_in(&app.anonymous(), &alice.email, PASSWORD).await.token);
    }
    let thief =
        |session: usize| Actor { token: sessions[session].clone(), client: app.anonymous(), ..Actor::anonymous(&app) };
    let before = app.digest_all().await;
    for guess in 1..=9 {
        change(thief(guess / 6), WRONG).await.assert_events(&["authn_password_change_fail/wrong_password"]);
    }
    let sixth = change(thief(0), PASSWORD).await;
    sixth
        .assert_refused(429, "too_many_requests")
        .assert_events(&["authn_login_fail_max/account_and_address", "excess_rate_limit_exceeded/too_many_requests"]);
    let last = change(thief(1), WRONG).await;
    last.assert_refused(401, "invalid_credentials");
    last.assert_events(&["authn_login_lock/max_failures", "authn_password_change_fail/wrong_password"]);
    let right = change(thief(2), PASSWORD).await;
    right
        .assert_refused(401, "invalid_credentials")
        .assert_events(&["authn_password_change_fail/correct_password_while_locked"]);
    assert_eq!(app.digest_all().await, before);
    assert_eq!(lock_mails(&app).await, (1, 1), "the owner is notified");
    // Login has its own counters, so the owner can still log in.
    try_sign_in(&from(&app, 1), &alice.email, PASSWORD).await.ok(200);
    reset(&app, &alice.email, &from(&app, 2)).await;
    let again = Actor::sign_in(&app.anonymous(), &alice.email, OTHER).await;
    let body = json!({"current_password": OTHER, "new_password": PASSWORD});
    again.post("/api/v1/me/password", &body).await.ok(200);
}
