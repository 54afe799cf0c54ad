//! One account, guessed at from everywhere, or from inside.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use super::{OTHER, WRONG, counted, from, hammer, lock_mails, number, reset};
use crate::support::actor::{PASSWORD, mails, try_sign_in, try_sign_in_with};
use crate::support::{Actor, Reply, TestApp, wait};

/// An account that is hammered answers strangers like a wrong password, also to the right one; its owner is told once.
#[actix_web::test]
async fn ten_failures_lock_an_account_without_a_word_and_its_owner_is_told() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for attempt in 1..=10 {
        let mut told = vec!["authn_login_fail/wrong_password"];
        if attempt == 10 {
            assert_eq!(lock_mails(&app).await, (0, 0));
            told.insert(0, "authn_login_lock/brute_force");
        }
        try_sign_in(&from(&app, attempt), &alice.email, WRONG)
            .await
            .assert_refused(401, "invalid_credentials")
            .assert_events(&told);
    }
    let before = app.digest_all().await;
    let wrong = try_sign_in(&from(&app, 11), "somebody.else@example.com", WRONG).await;
    let (right, cost) = counted(&app, &from(&app, 12), &alice.email, PASSWORD).await;
    assert_eq!((right.comparable(), cost), (wrong.comparable(), 1));
    assert_eq!(right.statements(), wrong.statements());
    right.assert_events(&["authn_login_fail/correct_password_while_locked"]);
    assert_eq!(app.digest_all().await, before);
    hammer(&app, &alice.email, 5).await;
    assert_eq!(lock_mails(&app).await, (1, 1), "one a lock");
    let told = async || {
        let guessed = |mail: &String| mail.contains("guess your password");
        wait::until_some("the owner is told", async || mails(&app, &alice.email).into_iter().find(guessed)).await
    };
    assert!(!told().await.contains("http"), "a mail that everybody can cause holds no link");

    // Whoever was signed in stays in, and can prove himself there: a lock from outside is no denial of service.
    alice.get("/api/v1/me").await.ok(200);
    let change = json!({"current_password": PASSWORD, "new_password": OTHER});
    alice.post("/api/v1/me/password", &change).await.ok(200);
    try_sign_in(&from(&app, 13), &alice.email, OTHER).await.assert_refused(401, "invalid_credentials");
    app.advance_time(TimeDelta::seconds(61)).await;
    try_sign_in(&from(&app, 14), &alice.email, OTHER).await.ok(200);
    // A quiet hour ends the episode: the next ten are a new one.
    app.advance_time(TimeDelta::minutes(61)).await;
    hammer(&app, &alice.email, 9).await;
    try_sign_in(&from(&app, 15), &alice.email, OTHER).await.ok(200);
    hammer(&app, &alice.email, 1).await;
    assert_eq!(lock_mails(&app).await, (2, 2));
}

/// What is tried during a wait makes it no longer, or anybody could keep an account shut by knocking.
#[actix_web::test]
async fn waits_double_up_to_a_quarter_of_an_hour_and_end_by_themselves() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    hammer(&app, &alice.email, 10).await;
    let mut network = 0;
    let mut next = || {
        network += 1;
        from(&app, network)
    };
    for wait in [60, 120, 240, 480, 900, 900] {
        // Half of it is a whole one of the waits before.
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

/// A name that nobody has is counted, locked and answered like any other; only its mail goes nowhere.
#[actix_web::test]
async fn a_lock_does_not_tell_who_has_an_account() {
    let app = TestApp::start().await;
    app.user("alice").await;
    for attempt in 1..=12 {
        let (known, cost) = counted(&app, &from(&app, attempt), "alice@example.com", WRONG).await;
        let (unknown, same_cost) = counted(&app, &from(&app, attempt), "nobody@example.com", WRONG).await;
        assert_eq!(known.comparable(), unknown.comparable(), "{attempt}");
        assert_eq!((known.statements(), cost), (unknown.statements(), same_cost), "{attempt}");
        let locks = |reply: &Reply| reply.events().contains(&"authn_login_lock/brute_force".to_owned());
        assert_eq!((locks(&known), locks(&unknown)), (attempt == 10, attempt == 10), "{attempt}");
    }
    assert_eq!(lock_mails(&app).await, (2, 1));
    let left = number(
        &app,
        "select count(*) from mail_outbox where kind = 'account_locked' and recipient = '' and sent_at is null",
    );
    assert_eq!(left.await, 0, "it goes nowhere");
    let each = "select count(distinct (failures, in_a_row)) from login_failures where kind = 'account'";
    assert_eq!(number(&app, each).await, 1, "both names have the same counts");
}

/// NIST SP 800-63B §3.2.2: after so many failures in a row, here 10, time does not help; a reset does.
#[actix_web::test]
async fn account_with_too_many_failures_in_a_row_opens_by_reset_only() {
    let in_a_row = ("STRONGROOM_LOGIN_FAILURES_IN_A_ROW", "10");
    let app = TestApp::with(&[in_a_row, ("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", "20/1h")]).await;
    let alice = app.user("alice").await;
    hammer(&app, &alice.email, 9).await;
    let last = try_sign_in(&from(&app, 1), &alice.email, WRONG).await;
    last.assert_refused(401, "invalid_credentials")
        .assert_events(&["authn_login_lock/max_failures", "authn_login_fail/wrong_password"]);
    assert_eq!(lock_mails(&app).await, (1, 1));
    app.advance_time(TimeDelta::days(29)).await;
    let locked = try_sign_in(&from(&app, 2), &alice.email, PASSWORD).await;
    locked
        .assert_refused(401, "invalid_credentials")
        .assert_events(&["authn_login_fail/correct_password_while_locked"]);
    // The owner's known device has a counter of its own, and its success opens nothing for unknown clients.
    try_sign_in_with(&from(&app, 3), &alice.email, PASSWORD, &alice.device).await.ok(200);
    try_sign_in(&from(&app, 4), &alice.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    let told = reset(&app, &alice.email, &from(&app, 5)).await.events();
    assert!(told.contains(&"authn_password_change/reset".to_owned()), "{told:?}");
    try_sign_in(&from(&app, 6), &alice.email, OTHER).await.ok(200);
}

/// The Forgot sheet: otherwise asking for a new password would be one more way to shut somebody out.
#[actix_web::test]
async fn asking_for_a_reset_locks_nothing() {
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

/// CWE-620: the thief of an access token guesses the password, to change it: 5 times an hour and session, 10 times in a row.
#[actix_web::test]
async fn stolen_session_gets_few_guesses_at_the_password() {
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
        .assert_events(&["authn_login_fail_max/pair", "excess_rate_limit_exceeded/too_many_requests"]);
    let last = change(thief(1), WRONG).await;
    last.assert_refused(401, "invalid_credentials");
    last.assert_events(&["authn_login_lock/max_failures", "authn_password_change_fail/wrong_password"]);
    let right = change(thief(2), PASSWORD).await;
    right
        .assert_refused(401, "invalid_credentials")
        .assert_events(&["authn_password_change_fail/correct_password_while_locked"]);
    assert_eq!(app.digest_all().await, before);
    assert_eq!(lock_mails(&app).await, (1, 1), "the owner is told");
    // Signing in is another matter, and a reset opens this too.
    try_sign_in(&from(&app, 1), &alice.email, PASSWORD).await.ok(200);
    reset(&app, &alice.email, &from(&app, 2)).await;
    let again = Actor::sign_in(&app.anonymous(), &alice.email, OTHER).await;
    let body = json!({"current_password": OTHER, "new_password": PASSWORD});
    again.post("/api/v1/me/password", &body).await.ok(200);
}
