//! Attacks from one address or network, such as password spraying. Other users of the network can still log in.

use std::net::Ipv4Addr;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use super::{WRONG, counted, from, guess, lock_mails, number};
use crate::support::actor::{PASSWORD, try_sign_in, try_sign_in_with};
use crate::support::altcha::solve;
use crate::support::client::Client;
use crate::support::{Reply, TestApp};

/// Solves the challenge of this 429, and logs in.
async fn solve_and_sign_in(client: &Client, email: &str, refused: &Reply) -> Reply {
    let altcha = solve(&refused.assert_refused(429, "too_many_requests").json()["challenge"]);
    let body = json!({"email": email, "password": PASSWORD, "altcha": altcha});
    client.request(Method::POST, "/api/v1/auth/login").json(&body).send().await
}

async fn locked_accounts(app: &TestApp) -> i64 {
    number(app, "select count(*) from login_failures where waits_until is not null").await
}

#[actix_web::test]
async fn sixth_guess_from_one_address_returns_429_before_hashing() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let guesser = from(&app, 1);
    for _ in 0..5 {
        try_sign_in(&guesser, &alice.email, WRONG).await.assert_refused(401, "invalid_credentials");
    }
    let before = app.digest_all().await;
    let (refused, cost) = counted(&app, &guesser, &alice.email, PASSWORD).await;
    refused.assert_refused(429, "too_many_requests");
    refused
        .assert_events(&["authn_login_fail_max/account_and_address", "excess_rate_limit_exceeded/too_many_requests"]);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!((cost, (3500..=3600).contains(&wait)), (0, true));
    assert_eq!(app.digest_all().await, before);
    // A login to another account does not reset the counter of this account at this address.
    try_sign_in(&guesser, &bob.email, PASSWORD).await.ok(200);
    try_sign_in(&guesser, &alice.email, PASSWORD).await.assert_refused(429, "too_many_requests");
    try_sign_in(&from(&app, 2), &alice.email, PASSWORD).await.ok(200);
    app.advance_time(TimeDelta::minutes(61)).await;
    for _ in 0..5 {
        try_sign_in(&guesser, &alice.email, WRONG).await.assert_refused(401, "invalid_credentials");
    }
    try_sign_in(&guesser, &alice.email, PASSWORD).await.assert_refused(429, "too_many_requests");
    app.advance_time(TimeDelta::minutes(61)).await;
    try_sign_in(&guesser, &alice.email, PASSWORD).await.ok(200);
}

#[actix_web::test]
async fn successful_logins_are_not_counted() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for round in 0..30 {
        if round % 3 == 0 {
            try_sign_in(&from(&app, 1), &alice.email, WRONG).await.assert_refused(401, "invalid_credentials");
        }
        try_sign_in(&from(&app, 1), &alice.email, PASSWORD).await.ok(200);
    }
}

/// The counter of this account and address becomes zero, and the account's counter loses the failures of this address.
#[actix_web::test]
async fn successful_login_resets_only_counters_of_this_client() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let counts = async || {
        let sql = "select kind || ' ' || failures from login_failures
            where kind <> 'account_in_network' and failures > 0 order by kind collate \"C\", failures";
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&app.all_rows).await.unwrap();
        rows.join(", ")
    };
    guess(&app, &alice.email, 3).await;
    for _ in 0..4 {
        try_sign_in(&from(&app, 100), &alice.email, WRONG).await.assert_refused(401, "invalid_credentials");
    }
    let both = |failures: &str| format!("account_and_address {failures}");
    let clients = "address 1, address 1, address 5, network 1, network 1, network 1";
    let before = format!("account 7, {}, {}, {}, {clients}", both("1"), both("1"), both("5"));
    assert_eq!(counts().await, before);
    try_sign_in(&from(&app, 100), &bob.email, PASSWORD).await.ok(200);
    assert_eq!(counts().await, before);
    try_sign_in(&from(&app, 101), &alice.email, PASSWORD).await.ok(200);
    assert_eq!(counts().await, format!("account 6, {}, {}, {clients}", both("1"), both("5")));
}

/// Between guesses, the attacker logs in to their own account, to reset the counter of the address.
#[actix_web::test]
async fn successful_login_does_not_reset_address_counter() {
    let app = TestApp::start().await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let guesser = from(&app, 1);
    for name in 0..20 {
        try_sign_in(&guesser, &format!("u{name}@example.com"), WRONG).await.assert_refused(401, "invalid_credentials");
        if name < 19 {
            try_sign_in(&guesser, &mallory.email, PASSWORD).await.ok(200);
        }
    }
    let before = app.digest_all().await;
    let (refused, cost) = counted(&app, &guesser, &alice.email, PASSWORD).await;
    refused.assert_refused(429, "too_many_requests");
    refused.assert_events(&["authn_login_fail_max/address", "excess_rate_limit_exceeded/too_many_requests"]);
    assert_eq!(cost, 0);
    assert_eq!(app.digest_all().await, before);
    try_sign_in(&from(&app, 2), &alice.email, PASSWORD).await.ok(200);
    app.advance_time(TimeDelta::minutes(61)).await;
    try_sign_in(&guesser, &alice.email, PASSWORD).await.ok(200);
}

/// Denial of service behind a NAT: users with a device cookie log in as usual, all others must solve a challenge.
#[actix_web::test]
async fn users_behind_shared_address_can_sign_in_during_attack() {
    let app = TestApp::start().await;
    let mut people = Vec::new();
    for name in 0..8 {
        people.push(app.user(&format!("user{name}")).await);
    }
    let shared = app.anonymous();
    let mut name = 0;
    let mut attack = async || {
        for _ in 0..3 {
            name += 1;
            try_sign_in(&shared, &format!("victim{name}@example.com"), WRONG).await;
            try_sign_in(&shared, &people[0].email, WRONG).await;
        }
    };
    for _ in 0..10 {
        attack().await;
    }
    let (known, newcomers) = people.split_at(4);
    for person in known {
        attack().await;
        try_sign_in_with(&shared, &person.email, PASSWORD, &person.device).await.ok(200);
    }
    for person in newcomers {
        attack().await;
        let refused = try_sign_in(&shared, &person.email, PASSWORD).await;
        solve_and_sign_in(&shared, &person.email, &refused).await.ok(200);
    }
    // One address cannot lock an account.
    assert_eq!(locked_accounts(&app).await, 0);
    try_sign_in(&from(&app, 1), &people[0].email, PASSWORD).await.ok(200);
}

/// Password spraying: one network tries many accounts.
#[actix_web::test]
async fn password_spraying_requires_challenge_and_locks_no_account() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let host = |host: u8| app.client_from(Ipv4Addr::new(127, 9, 9, host).into());
    for name in 1..=30_u8 {
        let email = if name == 7 { alice.email.clone() } else { format!("name{name}@example.com") };
        let reply = try_sign_in(&host(name % 3 + 1), &email, WRONG).await;
        let kinds = reply.assert_refused(401, "invalid_credentials").events();
        assert_eq!(kinds.contains(&"authn_login_spray/network".to_owned()), name == 30, "{name}");
        assert!(!kinds.iter().any(|kind| kind.starts_with("authn_login_lock")), "{name}");
    }
    // Each address has used half of its limit of failures, but the network has reached its limit of accounts.
    for address in [1, 2, 3, 77] {
        let (refused, cost) = counted(&app, &host(address), &alice.email, PASSWORD).await;
        refused.assert_refused(429, "too_many_requests");
        refused.assert_events(&["authn_login_fail_max/network", "excess_rate_limit_exceeded/too_many_requests"]);
        assert_eq!(cost, 0);
    }
    let refused = try_sign_in(&host(77), &bob.email, PASSWORD).await;
    solve_and_sign_in(&host(77), &bob.email, &refused).await.ok(200);
    try_sign_in_with(&host(77), &bob.email, PASSWORD, &bob.device).await.ok(200);
    try_sign_in(&from(&app, 1), &alice.email, PASSWORD).await.ok(200);
    assert_eq!(lock_mails(&app).await, (0, 0));
    assert_eq!(locked_accounts(&app).await, 0);
    app.advance_time(TimeDelta::minutes(61)).await;
    try_sign_in(&host(1), &alice.email, PASSWORD).await.ok(200);
}

/// The owners have logged in from the attacker's network, for example an office. The attack must still count.
#[actix_web::test]
async fn password_spraying_is_counted_for_accounts_that_have_logged_in() {
    let app = TestApp::with(&[("STRONGROOM_LOGIN_ACCOUNTS_PER_NETWORK", "3/1h")]).await;
    let mut people = Vec::new();
    for name in 0..3 {
        people.push(app.user(&format!("user{name}")).await);
    }
    let office = from(&app, 1);
    for person in &people {
        try_sign_in(&office, &person.email, PASSWORD).await.ok(200);
    }
    for (place, person) in people.iter().enumerate() {
        let events = try_sign_in(&office, &person.email, WRONG).await.events();
        assert_eq!(events.contains(&"authn_login_spray/network".to_owned()), place == 2, "{events:?}");
    }
    try_sign_in(&office, &people[0].email, PASSWORD).await.assert_refused(429, "too_many_requests");
}

/// The counter of a network counts accounts, not failures. So brute force on one account leaves no spraying event.
#[actix_web::test]
async fn brute_force_and_password_spraying_leave_different_events() {
    let app = TestApp::with(&[("STRONGROOM_LOGIN_ACCOUNTS_PER_NETWORK", "5/1h")]).await;
    let alice = app.user("alice").await;
    let attacker = |host: u8| app.client_from([127, 9, 8, host].into());
    let sprayer = app.client_from([127, 9, 9, 1].into());
    let (mut brute_force, mut spray) = (Vec::new(), Vec::new());
    for round in 1..=10 {
        brute_force.extend(try_sign_in(&attacker(round), &alice.email, WRONG).await.events());
        if round <= 5 {
            spray.extend(try_sign_in(&sprayer, &format!("n{round}@example.com"), WRONG).await.events());
        }
    }
    let special = |events: &[String]| -> Vec<String> {
        events.iter().filter(|event| !event.starts_with("authn_login_fail/")).cloned().collect()
    };
    assert_eq!(special(&brute_force), ["authn_login_lock/brute_force"]);
    assert_eq!(special(&spray), ["authn_login_spray/network"]);
    // After brute force, the account is locked for clients without a device cookie. After password spraying, clients of
    // the network without a device cookie need a challenge for every account.
    try_sign_in(&from(&app, 11), &alice.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    try_sign_in(&sprayer, "n6@example.com", WRONG).await.assert_refused(429, "too_many_requests");
}
