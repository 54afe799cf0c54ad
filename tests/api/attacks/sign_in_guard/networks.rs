//! One place, guessing at many accounts, and the people beside it.

use std::net::Ipv4Addr;

use chrono::TimeDelta;

use super::{SLOW, WRONG, counted, from, hammer, lock_mails, number};
use crate::support::TestApp;
use crate::support::actor::{PASSWORD, try_sign_in, try_sign_in_with};

/// A name at one place has five failures. Refused before any look-up and any hash.
#[actix_web::test]
async fn the_sixth_guess_at_a_name_from_one_address_is_refused_before_any_work() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let guesser = from(&app, 1);
    for _ in 0..5 {
        try_sign_in(&guesser, &alice.email, WRONG).await.refused(401, "invalid_credentials");
    }
    let before = app.everything().await;
    let (refused, cost) = counted(&app, &guesser, &alice.email, PASSWORD).await;
    refused.refused(429, "too_many_requests");
    refused.left(&["authn_login_fail_max/pair", "excess_rate_limit_exceeded/too_many_requests"]);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!((cost, (3500..=3600).contains(&wait)), (0, true));
    assert_eq!(app.everything().await, before);
    // Another account's success washes nothing clean; the owner comes from elsewhere, undisturbed.
    try_sign_in(&guesser, &bob.email, PASSWORD).await.ok(200);
    try_sign_in(&guesser, &alice.email, PASSWORD).await.refused(429, "too_many_requests");
    try_sign_in(&from(&app, 2), &alice.email, PASSWORD).await.ok(200);
    app.clock.turn(TimeDelta::minutes(61));
    try_sign_in(&guesser, &alice.email, PASSWORD).await.ok(200);
}

/// Who signs in rightly is never limited by it.
#[actix_web::test]
async fn good_sign_ins_do_not_count() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for round in 0..30 {
        if round % 3 == 0 {
            try_sign_in(&from(&app, 1), &alice.email, WRONG).await.refused(401, "invalid_credentials");
        }
        try_sign_in(&from(&app, 1), &alice.email, PASSWORD).await.ok(200);
    }
}

/// A success takes back what its own place has added to the account, and nothing of the address's.
#[actix_web::test]
async fn a_success_takes_back_its_own_failures_alone() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let counts = async || {
        let sql = "select kind || ' ' || failures from failed_sign_ins where kind <> 'name' order by kind, failures";
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&app.all_rows).await.unwrap();
        rows.join(", ")
    };
    hammer(&app, &alice.email, 3).await;
    for _ in 0..4 {
        try_sign_in(&from(&app, 100), &alice.email, WRONG).await.refused(401, "invalid_credentials");
    }
    let others = "address 1, address 1, address 5, network 1, network 1, network 1, pair 1";
    assert_eq!(counts().await, format!("account 7, {others}, pair 1, pair 5, unknown 7"));
    // An attacker's own account, from the same address.
    try_sign_in(&from(&app, 100), &bob.email, PASSWORD).await.ok(200);
    assert_eq!(counts().await, format!("account 7, {others}, pair 1, pair 5, unknown 7"));
    try_sign_in(&from(&app, 101), &alice.email, PASSWORD).await.ok(200);
    assert_eq!(counts().await, format!("account 6, {others}, pair 5, unknown 6"));
}

/// An address that failed too often keeps one attempt every ten seconds, whatever it knocks.
#[actix_web::test]
async fn a_full_address_has_a_trickle_and_a_guesser_gets_no_more_than_that() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let guesser = from(&app, 1);
    let mut name = 0;
    let mut guess = async || {
        name += 1;
        // Four a name, and few names: no pair is full, and no network sprays.
        try_sign_in(&guesser, &format!("u{}@example.com", name % 29), WRONG).await
    };
    for _ in 0..20 {
        guess().await.refused(401, "invalid_credentials");
    }
    guess().await.refused(401, "invalid_credentials");
    let (refused, cost) = counted(&app, &guesser, &alice.email, PASSWORD).await;
    refused.refused(429, "too_many_requests");
    refused.left(&["authn_login_fail_max/address", "excess_rate_limit_exceeded/too_many_requests"]);
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!((cost, (1..=10).contains(&wait)), (0, true));
    // The number is honest: whoever waits so long and is first has his turn.
    app.clock.turn(TimeDelta::seconds(wait));
    try_sign_in(&guesser, &alice.email, PASSWORD).await.ok(200);
    let (start, mut let_through) = (app.clock.now(), 0);
    for _ in 0..60 {
        app.clock.turn(TimeDelta::seconds(1));
        for _ in 0..2 {
            let_through += i64::from(guess().await.status.as_u16() == 401);
        }
    }
    // One in ten seconds, of those that were turned and those that really passed.
    let turns = (app.clock.now() - start).num_seconds() / 10;
    assert!((turns - 2..=turns + 1).contains(&let_through), "{let_through} of {turns}");
    try_sign_in(&from(&app, 2), &alice.email, PASSWORD).await.ok(200);
}

/// Twenty people behind one address, and one attacker among them who hammers and sprays.
#[actix_web::test]
async fn people_behind_one_address_sign_in_while_one_of_them_attacks() {
    let app = TestApp::start().await;
    let mut people = Vec::new();
    for name in 0..20 {
        people.push(app.user(&format!("user{name}")).await);
    }
    let shared = app.anybody();
    let mut name = 0;
    let mut attack = async || {
        for _ in 0..3 {
            name += 1;
            try_sign_in(&shared, &format!("victim{name}@example.com"), WRONG).await;
            try_sign_in(&shared, &people[0].email, WRONG).await;
        }
    };
    for _ in 0..15 {
        attack().await;
    }
    let (known, newcomers) = people.split_at(10);
    for person in known {
        attack().await;
        try_sign_in_with(&shared, &person.email, PASSWORD, &person.device).await.ok(200);
    }
    let mut held = 0;
    for person in newcomers {
        attack().await;
        let first = try_sign_in(&shared, &person.email, PASSWORD).await;
        if first.status.as_u16() == 429 {
            held += 1;
            let wait: i64 = first.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=10).contains(&wait), "{wait}");
            app.clock.turn(TimeDelta::seconds(wait));
            try_sign_in(&shared, &person.email, PASSWORD).await.ok(200);
        } else {
            first.ok(200);
        }
    }
    assert!(held > 0, "the address was full");
    // Locked by nobody: the one who was hammered from here is asked to wait here, with an unknown device, and nowhere else.
    assert_eq!(number(&app, "select count(*) from failed_sign_ins where held_until is not null").await, 0);
    try_sign_in(&from(&app, 1), &people[0].email, PASSWORD).await.ok(200);
}

/// Many names from one network. Its addresses are tightened, its clean neighbours are not, and no account is locked.
#[actix_web::test]
async fn spraying_tightens_the_network_and_locks_nobody() {
    let app = TestApp::with(&[SLOW]).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let host = |host: u8| app.from(Ipv4Addr::new(127, 9, 9, host).into());
    for name in 1..=30_u8 {
        let email = if name == 7 { alice.email.clone() } else { format!("name{name}@example.com") };
        let reply = try_sign_in(&host(name % 3 + 1), &email, WRONG).await;
        let kinds = reply.refused(401, "invalid_credentials").events();
        assert_eq!(kinds.contains(&"authn_login_spray/network".to_owned()), name == 30, "{name}");
        assert!(!kinds.iter().any(|kind| kind.starts_with("authn_login_lock")), "{name}");
    }
    // Ten failures an address, which is half of what one has: now they share the trickle.
    try_sign_in(&host(1), "more@example.com", WRONG).await.refused(401, "invalid_credentials");
    for tight in [1, 2, 3] {
        let (refused, cost) = counted(&app, &host(tight), &alice.email, PASSWORD).await;
        refused.refused(429, "too_many_requests");
        refused.left(&["authn_login_fail_max/network", "excess_rate_limit_exceeded/too_many_requests"]);
        assert_eq!(cost, 0);
    }
    // A neighbour who did nothing has one failure of his own, then belongs to them.
    try_sign_in(&host(77), &bob.email, PASSWORD).await.ok(200);
    try_sign_in(&host(77), &bob.email, WRONG).await.refused(401, "invalid_credentials");
    try_sign_in(&host(77), &bob.email, PASSWORD).await.refused(429, "too_many_requests");
    // His device is not held, and other networks never were.
    try_sign_in_with(&host(77), &bob.email, PASSWORD, &bob.device).await.ok(200);
    try_sign_in(&from(&app, 1), &alice.email, PASSWORD).await.ok(200);
    assert_eq!(lock_mails(&app).await, (0, 0));
    assert_eq!(number(&app, "select count(*) from failed_sign_ins where held_until is not null").await, 0);
    app.clock.turn(TimeDelta::minutes(61));
    try_sign_in(&host(1), &alice.email, PASSWORD).await.ok(200);
}

/// Both at once. Each has its own event, and its own answer.
#[actix_web::test]
async fn hammering_and_spraying_are_told_apart() {
    let app = TestApp::with(&[SLOW, ("STRONGROOM_LOGIN_NAMES_PER_NETWORK", "5/1h")]).await;
    let alice = app.user("alice").await;
    let sprayer = app.from([127, 9, 9, 1].into());
    let (mut hammered, mut sprayed) = (Vec::new(), Vec::new());
    for round in 1..=10 {
        hammered.extend(try_sign_in(&from(&app, round), &alice.email, WRONG).await.events());
        if round <= 5 {
            sprayed.extend(try_sign_in(&sprayer, &format!("n{round}@example.com"), WRONG).await.events());
        }
    }
    let special = |events: &[String]| -> Vec<String> {
        events.iter().filter(|event| !event.starts_with("authn_login_fail/")).cloned().collect()
    };
    assert_eq!(special(&hammered), ["authn_login_lock/hammered"]);
    assert_eq!(special(&sprayed), ["authn_login_spray/network"]);
    // The hammered account answers like a wrong password, to everybody; the sprayer is told to wait, whatever the name.
    try_sign_in(&from(&app, 11), &alice.email, PASSWORD).await.refused(401, "invalid_credentials");
    try_sign_in(&sprayer, "n6@example.com", WRONG).await.refused(401, "invalid_credentials");
    try_sign_in(&sprayer, "n7@example.com", WRONG).await.refused(429, "too_many_requests");
}
