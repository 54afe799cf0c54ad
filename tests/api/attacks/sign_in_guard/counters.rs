//! Counters under attempts at once, on two replicas, and without their database.

use actix_web::http::header::HeaderMap;
use chrono::TimeDelta;
use futures_util::future::join_all;
use strongroom::base::id::UserId;
use strongroom::http::client_ip::{ClientAddr, TrustedProxies};
use strongroom::security::log::context::background;
use strongroom::security::login_guard::Admission;

use super::{MASTER, SLOW, WRONG, from, lock_mails, number};
use crate::support::TestApp;
use crate::support::actor::{PASSWORD, try_sign_in, try_sign_in_with};

fn address(last: u8) -> ClientAddr {
    ClientAddr::resolve([127, 5, last, 1].into(), &HeaderMap::new(), &TrustedProxies::default())
}

/// Guesses at once are all admitted before the first of them has failed; so a right one looks again before it counts.
#[actix_web::test]
async fn a_right_guess_in_a_burst_of_wrong_ones_does_not_count() {
    let app = TestApp::start().await;
    let credentials = &app.services().credentials;
    for (failed_meanwhile, admission) in [(4, Admission::Open), (5, Admission::Locked)] {
        let attempt = credentials.sign_in(&format!("alice{failed_meanwhile}@example.com"), address(1));
        for _ in 0..=failed_meanwhile {
            assert_eq!(credentials.guard.admit(&attempt).await.unwrap(), Admission::Open);
        }
        for _ in 0..failed_meanwhile {
            background(&app.services().recorder, credentials.guard.failed(&attempt, Admission::Open)).await.unwrap();
        }
        assert_eq!(credentials.guard.succeeded(&attempt, Admission::Open).await.unwrap(), admission);
    }
    // The same of an account's wait, and every admitted guess of a burst is one of the run that has a ceiling.
    let attempt = |network| credentials.sign_in("bob@example.com", address(network));
    let (right, admission) = (attempt(2), credentials.guard.admit(&attempt(2)).await.unwrap());
    for network in 10..22 {
        background(&app.services().recorder, credentials.guard.failed(&attempt(network), Admission::Open))
            .await
            .unwrap();
    }
    assert_eq!(credentials.guard.succeeded(&right, admission).await.unwrap(), Admission::Locked);
    assert_eq!(number(&app, "select max(failures) from failed_sign_ins where kind = 'unknown'").await, 12);
}

/// What counts, clears and forgives at once waits for nobody in a circle, and loses no failure.
#[actix_web::test]
async fn a_storm_of_attempts_is_counted_to_the_last() {
    let app = TestApp::start().await;
    let credentials = &app.services().credentials;
    let failed = (0..60_u8).map(|turn| async move {
        credentials.guard.failed(&credentials.sign_in("bob@example.com", address(turn % 20)), Admission::Open).await
    });
    for done in background(&app.services().recorder, join_all(failed)).await {
        done.unwrap();
    }
    assert_eq!(number(&app, "select max(failures) from failed_sign_ins where kind = 'unknown'").await, 60);
    assert_eq!(lock_mails(&app).await.0, 2, "of the lock and of the ceiling, once each");
    let mixed = (0..120_u8).map(|turn| async move {
        let attempt = credentials.sign_in("alice@example.com", address(turn % 40));
        match turn % 4 {
            0 => credentials.guard.succeeded(&attempt, Admission::Open).await.map(|_| ()),
            1 => credentials.forgive(UserId::new(), &attempt).await,
            _ => credentials.guard.failed(&attempt, Admission::Open).await,
        }
    });
    for done in background(&app.services().recorder, join_all(mixed)).await {
        done.unwrap();
    }
}

/// Two replicas, in turn: each sees what the other has counted, and a restart forgets nothing.
#[actix_web::test]
async fn two_replicas_are_one_guard_and_a_restart_forgets_nothing() {
    let first = TestApp::with(&[MASTER, SLOW]).await;
    let alice = first.user("alice").await;
    let second = TestApp::on(first.database.clone(), &[MASTER, SLOW]).await;
    for attempt in 1..=10 {
        let app = if attempt % 2 == 0 { &first } else { &second };
        let reply = try_sign_in(&from(app, attempt), &alice.email, WRONG).await;
        let locks = reply.events().contains(&"authn_login_lock/hammered".to_owned());
        assert_eq!(locks, attempt == 10);
    }
    for app in [&first, &second] {
        try_sign_in(&from(app, 20), &alice.email, PASSWORD).await.left(&["authn_login_fail/locked_but_right"]);
        // A device that one of them made known is known to the other.
        try_sign_in_with(&from(app, 21), &alice.email, PASSWORD, &alice.device).await.ok(200);
    }
    // One address on both: a name's five failures, and the address's one trickle.
    let at = |app: &TestApp| app.from([127, 8, 8, 1].into());
    for attempt in 0..20 {
        let app = if attempt % 2 == 0 { &first } else { &second };
        try_sign_in(&at(app), &format!("n{}@example.com", attempt % 4), WRONG)
            .await
            .refused(401, "invalid_credentials");
    }
    try_sign_in(&at(&first), "n9@example.com", WRONG).await.refused(401, "invalid_credentials");
    try_sign_in(&at(&second), "n9@example.com", WRONG).await.refused(429, "too_many_requests");
    assert_eq!(lock_mails(&first).await, (1, 1));
    second.stop().await;
    let third = TestApp::on(first.stop().await, &[MASTER, SLOW]).await;
    try_sign_in(&from(&third, 22), &alice.email, PASSWORD).await.left(&["authn_login_fail/locked_but_right"]);
    try_sign_in(&at(&third), "n0@example.com", PASSWORD).await.refused(429, "too_many_requests");
}

/// Counters that cannot be read let nobody through, and nothing is hashed.
#[actix_web::test]
async fn without_its_counters_nobody_signs_in() {
    let app = TestApp::with(&[("STRONGROOM_DATABASE_STATEMENT_SECONDS", "1")]).await;
    let alice = app.user("alice").await;
    let before = app.everything().await;
    let mut stuck = app.all_rows.begin().await.unwrap();
    sqlx::query("lock table failed_sign_ins in access exclusive mode").execute(&mut *stuck).await.unwrap();
    for cookie in ["", &alice.device] {
        let hashes = app.services().credentials.passwords.hashes();
        let refused = try_sign_in_with(&from(&app, 1), &alice.email, PASSWORD, cookie).await;
        refused.refused(503, "unavailable").left(&[]);
        assert!(refused.header("retry-after").is_some());
        assert_eq!(app.services().credentials.passwords.hashes(), hashes);
    }
    stuck.rollback().await.unwrap();
    assert_eq!(app.everything().await, before);
    try_sign_in(&from(&app, 1), &alice.email, PASSWORD).await.ok(200);
}

/// A counter whose window is over is swept, and one that runs is kept.
#[actix_web::test]
async fn counters_that_are_over_are_swept() {
    let app = TestApp::start().await;
    try_sign_in(&from(&app, 1), "nobody@example.com", WRONG).await.refused(401, "invalid_credentials");
    let guard = &app.services().credentials.guard;
    let kinds = async || -> Vec<String> {
        let sql = "select kind from failed_sign_ins order by kind";
        sqlx::query_scalar(sql).fetch_all(&app.all_rows).await.unwrap()
    };
    guard.sweep().await.unwrap();
    assert_eq!(kinds().await, ["account", "address", "name", "network", "pair", "unknown"]);
    app.clock.turn(TimeDelta::minutes(61));
    guard.sweep().await.unwrap();
    assert_eq!(kinds().await, ["unknown"]);
    app.clock.turn(TimeDelta::days(30));
    guard.sweep().await.unwrap();
    assert_eq!(kinds().await, Vec::<String>::new());
}
