//! The counters of failed logins stay exact under parallel attempts and on two replicas.

use actix_web::http::header::HeaderMap;
use chrono::TimeDelta;
use futures_util::future::join_all;
use strongroom::base::id::UserId;
use strongroom::http::client_ip::{ClientAddr, TrustedProxies};
use strongroom::security::audit::context::background;

use super::{MASTER, WRONG, from, lock_mails, number};
use crate::support::TestApp;
use crate::support::actor::{PASSWORD, try_sign_in, try_sign_in_with};

fn client(network: u8, host: u8) -> ClientAddr {
    ClientAddr::resolve([127, 5, network, host].into(), &HeaderMap::new(), &TrustedProxies::default())
}

/// Returns how many of these parallel attempts the limits admit.
async fn admitted(app: &TestApp, attempts: impl IntoIterator<Item = (String, ClientAddr)>) -> usize {
    let credentials = &app.replica().credentials;
    let attempts =
        attempts.into_iter().map(|(name, client)| credentials.throttle.admit(credentials.sign_in(&name, client)));
    let admitted = background(&app.services().recorder, join_all(attempts)).await;
    admitted.iter().flatten().filter(|admitted| !admitted.is_locked()).count()
}

/// Race condition (CWE-362): the service counts an attempt before it hashes the password.
#[actix_web::test]
async fn parallel_guesses_cannot_exceed_limits() {
    let app = TestApp::start().await;
    let name = |name: u8| format!("u{name}@example.com");
    assert_eq!(
        admitted(&app, (0..30).map(|_| (name(0), client(1, 1)))).await,
        5,
        "the limit of an account at one address"
    );
    let counted = number(&app, "select failures from login_failures where kind = 'account'").await;
    assert_eq!(counted, 5, "refused attempts do not bring the account closer to its lock");
    assert_eq!(admitted(&app, (0..50).map(|network| (name(1), client(100 + network, 1)))).await, 10, "account");
    assert_eq!(admitted(&app, (10..60).map(|user| (name(user), client(2, 1)))).await, 20, "address");
    assert_eq!(admitted(&app, (60..140).map(|user| (name(user), client(3, user)))).await, 30, "network");
}

/// Failed and successful logins, password resets and sweeps run in parallel.
#[actix_web::test]
async fn parallel_attempts_are_all_counted_without_deadlock() {
    let limits =
        ["ACCOUNT_AND_ADDRESS", "ADDRESS", "ACCOUNT"].map(|each| format!("STRONGROOM_LOGIN_FAILURES_PER_{each}"));
    let limits: Vec<_> = limits.iter().map(|name| (name.as_str(), "100/1h")).collect();
    let app = TestApp::with(&limits).await;
    let credentials = &app.replica().credentials;
    let throttle = &credentials.throttle;
    let fail = async |name: &str, turn: u8| {
        let admitted = throttle.admit(credentials.sign_in(name, client(turn % 20, 1))).await?;
        throttle.record_failure(&admitted, None).await
    };
    let failed = (0..60_u8).map(|turn| fail("bob@example.com", turn));
    for done in background(&app.services().recorder, join_all(failed)).await {
        done.unwrap();
    }
    assert_eq!(number(&app, "select in_a_row from login_failures where kind = 'account'").await, 60);
    let mixed = (0..120_u8).map(|turn| async move {
        match turn % 4 {
            0 => credentials.reset_counters(UserId::new(), "bob@example.com").await,
            1 => throttle.sweep().await,
            2 => fail("bob@example.com", turn).await,
            _ => {
                let admitted = throttle.admit(credentials.sign_in("bob@example.com", client(turn % 20, 1))).await?;
                throttle.record_success(&admitted).await
            }
        }
    });
    for done in background(&app.services().recorder, join_all(mixed)).await {
        done.unwrap();
    }
}

/// The attacker sends guesses to two replicas in turn.
#[actix_web::test]
async fn counters_are_shared_by_replicas_and_survive_restarts() {
    let first = TestApp::with(&[MASTER]).await;
    let alice = first.user("alice").await;
    let second = TestApp::on(first.database.clone(), &[MASTER]).await;
    for attempt in 1..=10 {
        let app = if attempt % 2 == 0 { &first } else { &second };
        let reply = try_sign_in(&from(app, attempt), &alice.email, WRONG).await;
        let locks = reply.events().contains(&"authn_login_lock/brute_force".to_owned());
        assert_eq!(locks, attempt == 10);
    }
    for app in [&first, &second] {
        try_sign_in(&from(app, 20), &alice.email, PASSWORD)
            .await
            .assert_events(&["authn_login_fail/correct_password_while_locked"]);
        try_sign_in_with(&from(app, 21), &alice.email, PASSWORD, &alice.device).await.ok(200);
    }
    let at = |app: &TestApp| app.client_from([127, 8, 8, 1].into());
    for attempt in 0..20 {
        let app = if attempt % 2 == 0 { &first } else { &second };
        try_sign_in(&at(app), &format!("n{}@example.com", attempt % 5), WRONG)
            .await
            .assert_refused(401, "invalid_credentials");
    }
    for app in [&first, &second] {
        try_sign_in(&at(app), "n9@example.com", WRONG).await.assert_refused(429, "too_many_requests");
    }
    assert_eq!(lock_mails(&first).await, (1, 1));
    second.stop().await;
    let third = TestApp::on(first.stop().await, &[MASTER]).await;
    try_sign_in(&from(&third, 22), &alice.email, PASSWORD)
        .await
        .assert_events(&["authn_login_fail/correct_password_while_locked"]);
    try_sign_in(&at(&third), "n0@example.com", PASSWORD).await.assert_refused(429, "too_many_requests");
}

/// The clock of the replica is a day ahead. No lock and no window may end early.
#[actix_web::test]
async fn counters_use_database_clock() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for _ in 0..5 {
        try_sign_in(&from(&app, 1), &alice.email, WRONG).await.assert_refused(401, "invalid_credentials");
    }
    super::guess(&app, &alice.email, 5).await;
    app.clock.advance(TimeDelta::days(1));
    try_sign_in(&from(&app, 1), &alice.email, PASSWORD).await.assert_refused(429, "too_many_requests");
    try_sign_in(&from(&app, 2), &alice.email, PASSWORD)
        .await
        .assert_events(&["authn_login_fail/correct_password_while_locked"]);
}

/// While the counters are unavailable, the service must hash no password.
#[actix_web::test]
async fn unavailable_counters_fail_closed() {
    let app = TestApp::with(&[("STRONGROOM_DATABASE_STATEMENT_SECONDS", "1")]).await;
    let alice = app.user("alice").await;
    let before = app.digest_all().await;
    let mut lock = app.all_rows.begin().await.unwrap();
    sqlx::query("lock table login_failures in access exclusive mode").execute(&mut *lock).await.unwrap();
    for cookie in ["", &alice.device] {
        let hashes = app.services().credentials.passwords.hashes();
        let refused = try_sign_in_with(&from(&app, 1), &alice.email, PASSWORD, cookie).await;
        refused.assert_refused(503, "unavailable").assert_events(&[]);
        assert!(refused.header("retry-after").is_some());
        assert_eq!(app.services().credentials.passwords.hashes(), hashes);
    }
    lock.rollback().await.unwrap();
    assert_eq!(app.digest_all().await, before);
    try_sign_in(&from(&app, 1), &alice.email, PASSWORD).await.ok(200);
}

/// The counter of an account is kept for another 30 days, because it also counts failures in a row.
#[actix_web::test]
async fn expired_counters_are_deleted() {
    let app = TestApp::start().await;
    try_sign_in(&from(&app, 1), "unknown@example.com", WRONG).await.assert_refused(401, "invalid_credentials");
    let throttle = &app.replica().credentials.throttle;
    let kinds = async || -> Vec<String> {
        let sql = "select kind from login_failures order by kind";
        sqlx::query_scalar(sql).fetch_all(&app.all_rows).await.unwrap()
    };
    throttle.sweep().await.unwrap();
    assert_eq!(kinds().await, ["account", "account_and_address", "account_in_network", "address", "network"]);
    app.advance_time(TimeDelta::minutes(61)).await;
    throttle.sweep().await.unwrap();
    assert_eq!(kinds().await, ["account"]);
    app.advance_time(TimeDelta::days(30)).await;
    throttle.sweep().await.unwrap();
    assert_eq!(kinds().await, Vec::<String>::new());
}
