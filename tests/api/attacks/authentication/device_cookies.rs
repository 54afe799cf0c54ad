//! API2:2023: device cookies (OWASP). The owner uses a valid cookie. Attackers use cookies that are forged, stolen,
//! expired, invalidated, or made for another account.

use std::net::Ipv4Addr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::attacks::detection::rules::id_of;
use crate::support::actor::{PASSWORD, device_cookie, reset_token, try_sign_in, try_sign_in_with};
use crate::support::client::Client;
use crate::support::{Reply, TestApp};

const WRONG: &str = "correct horse battery 8";
const OTHER: &str = "another horse battery 7";

fn from(app: &TestApp, network: u8) -> Client {
    app.client_from(Ipv4Addr::new(127, 4, network, 1).into())
}

/// Locks the account for clients without a device cookie, by failed logins from ten networks.
pub async fn lock(app: &TestApp, email: &str) {
    for network in 100..110 {
        try_sign_in(&from(app, network), email, WRONG).await;
    }
    try_sign_in(&from(app, 99), email, PASSWORD).await.assert_refused(401, "invalid_credentials");
}

async fn reset(app: &TestApp, email: &str) -> Reply {
    app.anonymous()
        .request(Method::POST, "/api/v1/auth/password-reset")
        .json(&json!({"email": email}))
        .send()
        .await
        .ok(202);
    let choose = json!({"token": reset_token(app, email, "").await, "new_password": OTHER});
    from(app, 1).request(Method::POST, "/api/v1/auth/password-reset/confirm").json(&choose).send().await.ok(204)
}

/// Returns the random id in a device cookie, and all its bytes.
fn parts(cookie: &str) -> (Vec<u8>, Vec<u8>) {
    let bytes = URL_SAFE_NO_PAD.decode(cookie.strip_prefix("__Host-device=").unwrap()).unwrap();
    (bytes[..16].to_vec(), bytes)
}

/// Account lockout as denial of service: the owner's device has its own counter, so the owner can still log in.
#[actix_web::test]
async fn known_device_signs_in_while_account_is_locked() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    lock(&app, &alice.email).await;
    let mut device = alice.device.clone();
    for network in 1..=3 {
        let login = try_sign_in_with(&from(&app, network), &alice.email, PASSWORD, &device).await.ok(200);
        login.assert_events(&["authn_login_success/", "session_created/"]);
        let renewed = device_cookie(&login).unwrap();
        assert_ne!(
            parts(&renewed).0,
            parts(&device).0,
            "each login sets a cookie with a new id, whose counter is zero"
        );
        device = renewed;
    }
    try_sign_in(&from(&app, 4), &alice.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    let lines: Vec<_> = try_sign_in_with(&from(&app, 5), &alice.email, PASSWORD, &device)
        .await
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|line| line.to_str().unwrap().split_once("; ").unwrap().1.to_owned())
        .collect();
    let attributes = "Path=/; Max-Age=7776000; Secure; HttpOnly; SameSite=Strict";
    assert_eq!(lines[1], attributes);
}

#[actix_web::test]
async fn forged_foreign_or_expired_device_cookie_is_ignored() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let elsewhere = TestApp::start().await;
    elsewhere.clock.advance(TimeDelta::days(90));
    let twin = elsewhere.user("alice").await;
    app.advance_time(TimeDelta::days(89)).await;
    lock(&app, &alice.email).await;
    try_sign_in_with(&from(&app, 1), &alice.email, PASSWORD, &alice.device).await.ok(200);
    app.advance_time(TimeDelta::days(1) + TimeDelta::seconds(1)).await;
    let fresh = try_sign_in(&from(&app, 2), &alice.email, PASSWORD).await.ok(200);
    let fresh = device_cookie(&fresh).unwrap();
    let bobs = device_cookie(&try_sign_in(&from(&app, 2), &bob.email, PASSWORD).await.ok(200)).unwrap();
    lock(&app, &alice.email).await;
    let without_cookie = try_sign_in(&from(&app, 3), &alice.email, PASSWORD).await;
    let before = app.digest_all().await;
    let (_, bytes) = parts(&fresh);
    let forged = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        format!("__Host-device={}", URL_SAFE_NO_PAD.encode(bytes))
    };
    let cookies = [
        ("expired", alice.device.clone()),
        ("of another user", bobs),
        ("of another service", twin.device.clone()),
        ("another id", forged(0)),
        ("another epoch", forged(23)),
        ("a later expiry", forged(28)),
        ("another MAC", forged(60)),
        ("truncated", fresh[..fresh.len() - 4].to_owned()),
        ("sent twice", format!("{fresh}; {fresh}")),
        ("empty", "__Host-device=".to_owned()),
        ("without the prefix", fresh.replace("__Host-", "")),
        ("as refresh cookie", fresh.replace("device", "refresh")),
    ];
    for (network, (name, cookie)) in (10..).zip(&cookies) {
        let reply = try_sign_in_with(&from(&app, network), &alice.email, PASSWORD, cookie).await;
        assert_eq!(reply.comparable(), without_cookie.comparable(), "{name}");
        assert_eq!(reply.statements(), without_cookie.statements(), "{name}");
        assert_eq!(reply.events(), ["authn_login_fail/correct_password_while_locked"], "{name}");
    }
    assert_eq!(app.digest_all().await, before);
    try_sign_in_with(&from(&app, 30), &alice.email, PASSWORD, &fresh).await.ok(200);
}

/// A stolen cookie allows ten guesses in total, from any number of networks.
/// The failures do not count for other devices, or for clients without a device cookie.
#[actix_web::test]
async fn stolen_device_cookie_is_retired_after_ten_failures() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let other = device_cookie(&try_sign_in(&from(&app, 1), &alice.email, PASSWORD).await.ok(200)).unwrap();
    let before = app.digest_all().await;
    let bare = app.anonymous().request(Method::GET, "/api/v1/me").header("cookie", &alice.device).send().await;
    bare.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/missing"]);
    let counted = async |kind: &'static str| -> Option<i64> {
        let sql = "select max(failures) from login_failures where kind = $1";
        sqlx::query_scalar(sql).bind(kind).fetch_one(&app.all_rows).await.unwrap()
    };
    for guess in 1..=10 {
        let reply = try_sign_in_with(&from(&app, 10 + guess), &alice.email, WRONG, &alice.device).await;
        reply.assert_refused(401, "invalid_credentials");
        let retired = guess == 10;
        assert_eq!(reply.events().contains(&"authn_login_lock/device".to_owned()), retired, "{guess}");
        assert_eq!(counted("account").await, Some(0), "failures of the device do not count for clients without it");
    }
    // From now on, the service ignores this cookie, so a failure with the cookie counts for the account.
    try_sign_in_with(&from(&app, 30), &alice.email, WRONG, &alice.device)
        .await
        .assert_refused(401, "invalid_credentials");
    assert_eq!((counted("device").await, counted("account").await), (Some(10), Some(1)));
    lock(&app, &alice.email).await;
    let refused = try_sign_in_with(&from(&app, 31), &alice.email, PASSWORD, &alice.device).await;
    refused
        .assert_refused(401, "invalid_credentials")
        .assert_events(&["authn_login_fail/correct_password_while_locked"]);
    assert_eq!(app.digest_all().await, before);
    try_sign_in_with(&from(&app, 32), &alice.email, PASSWORD, &other).await.ok(200);
}

/// The response, statements and hashes are the same.
#[actix_web::test]
async fn failed_login_is_indistinguishable_with_and_without_device_cookie() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let hashes = || app.services().credentials.passwords.hashes();
    let observed = async |network: u8, email: &str, cookie: &str| -> (_, Vec<String>, usize) {
        let before = hashes();
        let reply: Reply = try_sign_in_with(&from(&app, network), email, WRONG, cookie).await;
        assert_eq!(reply.header("set-cookie"), None);
        (reply.comparable(), reply.statements(), hashes() - before)
    };
    let without = observed(1, &alice.email, "").await;
    assert_eq!(without.0.0, 401);
    assert_eq!(observed(2, &alice.email, &alice.device).await, without);
    assert_eq!(observed(3, &alice.email, &bob.device).await, without);
    assert_eq!(observed(4, "unknown@example.com", &alice.device).await, without);
    assert_eq!(observed(5, "not an address", &alice.device).await, without);
}

/// If a logout deleted the cookie, users who log out every day would have no known device.
#[actix_web::test]
async fn logout_keeps_device_cookie() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let logout = alice.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
    assert_eq!(logout.header("clear-site-data"), Some("\"cache\", \"storage\""));
    assert!(logout.header("set-cookie").unwrap().starts_with("__Host-refresh=; "));
    assert_eq!(logout.headers.get_all("set-cookie").iter().count(), 1);
    lock(&app, &alice.email).await;
    try_sign_in_with(&from(&app, 1), &alice.email, PASSWORD, &alice.device).await.ok(200);
}

/// CWE-613: an intruder who knows the password logs in on several devices, and keeps their device cookies. The owner's
/// password reset must make these cookies useless.
#[actix_web::test]
async fn password_reset_invalidates_device_cookies_of_intruder() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut stolen = Vec::new();
    for network in 1..=4 {
        let intruder = try_sign_in(&from(&app, network), &alice.email, PASSWORD).await.ok(200);
        stolen.push(device_cookie(&intruder).unwrap());
    }
    let device = device_cookie(&reset(&app, &alice.email).await).unwrap();
    for guess in 0..20 {
        let cookie = &stolen[guess as usize % 4];
        try_sign_in_with(&from(&app, 10 + guess), &alice.email, WRONG, cookie)
            .await
            .assert_refused(401, "invalid_credentials");
    }
    let refused = try_sign_in_with(&from(&app, 40), &alice.email, OTHER, &alice.device).await;
    refused
        .assert_refused(401, "invalid_credentials")
        .assert_events(&["authn_login_fail/correct_password_while_locked"]);
    try_sign_in_with(&from(&app, 41), &alice.email, OTHER, &device).await.ok(200);
}

/// Each action increments the account's epoch. The client that changes the password gets a new cookie.
#[actix_web::test]
async fn password_change_and_revocation_of_all_sessions_invalidate_device_cookies() {
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    let (alice, bob, carol) = (app.user("alice").await, app.user("bob").await, app.user("carol").await);
    let change = json!({"current_password": PASSWORD, "new_password": OTHER});
    let changed = alice.post("/api/v1/me/password", &change).await.ok(200);
    bob.request(Method::DELETE, "/api/v1/auth/sessions").send().await.ok(204);
    let carols = format!("/api/v1/admin/users/{}/sessions", id_of(&carol).await);
    root.request(Method::DELETE, &carols).send().await.ok(204);
    for (actor, password) in [(&alice, OTHER), (&bob, PASSWORD), (&carol, PASSWORD)] {
        for network in 100..110 {
            try_sign_in(&from(&app, network), &actor.email, WRONG).await;
        }
        let refused = try_sign_in_with(&from(&app, 1), &actor.email, password, &actor.device).await;
        refused
            .assert_refused(401, "invalid_credentials")
            .assert_events(&["authn_login_fail/correct_password_while_locked"]);
    }
    let fresh = device_cookie(&changed).expect("a new device cookie in the response");
    try_sign_in_with(&from(&app, 2), &alice.email, OTHER, &fresh).await.ok(200);
}

/// The owner has no device cookie before the reset, and the attacker continues to guess after it.
#[actix_web::test]
async fn password_reset_sets_device_cookie_that_bypasses_next_lock() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    lock(&app, &alice.email).await;
    let device = device_cookie(&reset(&app, &alice.email).await).unwrap();
    let bare = app.anonymous().request(Method::GET, "/api/v1/me").header("cookie", &device).send().await;
    bare.assert_refused(401, "unauthenticated");
    for network in 120..130 {
        try_sign_in(&from(&app, network), &alice.email, WRONG).await;
    }
    try_sign_in(&from(&app, 2), &alice.email, OTHER).await.assert_refused(401, "invalid_credentials");
    try_sign_in_with(&from(&app, 2), &alice.email, OTHER, &device).await.ok(200);
}
