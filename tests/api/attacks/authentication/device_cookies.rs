//! API2: device cookies: the owner's, and forged, foreign, stolen, expired and void ones.

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

/// Locks the account for unknown clients, from ten networks.
pub async fn lock(app: &TestApp, email: &str) {
    for network in 100..110 {
        try_sign_in(&from(app, network), email, WRONG).await;
    }
    try_sign_in(&from(app, 99), email, PASSWORD).await.assert_refused(401, "invalid_credentials");
}

/// Chooses [`OTHER`] by a reset.
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

/// The random id in a cookie, and the whole of it.
fn parts(cookie: &str) -> (Vec<u8>, Vec<u8>) {
    let bytes = URL_SAFE_NO_PAD.decode(cookie.strip_prefix("__Host-device=").unwrap()).unwrap();
    (bytes[..16].to_vec(), bytes)
}

/// Strangers have used up what strangers have; the owner's device is none.
#[actix_web::test]
async fn an_owner_gets_in_on_his_device_while_his_account_is_locked() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    lock(&app, &alice.email).await;
    // From wherever the device is carried, and as often as he likes.
    let mut device = alice.device.clone();
    for network in 1..=3 {
        let back = try_sign_in_with(&from(&app, network), &alice.email, PASSWORD, &device).await.ok(200);
        back.assert_events(&["authn_login_success/", "session_created/"]);
        let renewed = device_cookie(&back).unwrap();
        assert_ne!(parts(&renewed).0, parts(&device).0, "a new device, without failures");
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
async fn a_device_that_is_forged_borrowed_or_old_is_no_device() {
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
    let stranger = try_sign_in(&from(&app, 3), &alice.email, PASSWORD).await;
    let before = app.digest_all().await;
    let (_, bytes) = parts(&fresh);
    let forged = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        format!("__Host-device={}", URL_SAFE_NO_PAD.encode(bytes))
    };
    let cookies = [
        ("old", alice.device.clone()),
        ("another's", bobs),
        ("of another service", twin.device.clone()),
        ("another id", forged(0)),
        ("another epoch", forged(23)),
        ("a later expiry", forged(28)),
        ("another MAC", forged(60)),
        ("cut", fresh[..fresh.len() - 4].to_owned()),
        ("two at once", format!("{fresh}; {fresh}")),
        ("nothing", "__Host-device=".to_owned()),
        ("without the prefix", fresh.replace("__Host-", "")),
        ("as a session", fresh.replace("device", "refresh")),
    ];
    for (network, (name, cookie)) in (10..).zip(&cookies) {
        let reply = try_sign_in_with(&from(&app, network), &alice.email, PASSWORD, cookie).await;
        assert_eq!(reply.comparable(), stranger.comparable(), "{name}");
        assert_eq!(reply.statements(), stranger.statements(), "{name}");
        assert_eq!(reply.events(), ["authn_login_fail/correct_password_while_locked"], "{name}");
    }
    assert_eq!(app.digest_all().await, before);
    try_sign_in_with(&from(&app, 30), &alice.email, PASSWORD, &fresh).await.ok(200);
}

/// A stolen cookie is worth ten guesses, from however many networks; then it is retired. It opens nothing, and its failures count
/// for no other device and no unknown client.
#[actix_web::test]
async fn stolen_device_is_retired_after_ten_failures_and_no_other_suffers() {
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
        assert_eq!(counted("account").await, Some(0), "no unknown client suffers");
    }
    // From now on it is an unknown client.
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

/// Bringing a device shows nothing in a failure; nor does having none.
#[actix_web::test]
async fn a_failure_is_the_same_with_and_without_a_device() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let hashes = || app.services().credentials.passwords.hashes();
    let seen = async |network: u8, email: &str, cookie: &str| -> (_, Vec<String>, usize) {
        let before = hashes();
        let reply: Reply = try_sign_in_with(&from(&app, network), email, WRONG, cookie).await;
        assert_eq!(reply.header("set-cookie"), None);
        (reply.comparable(), reply.statements(), hashes() - before)
    };
    let without = seen(1, &alice.email, "").await;
    assert_eq!(without.0.0, 401);
    assert_eq!(seen(2, &alice.email, &alice.device).await, without);
    assert_eq!(seen(3, &alice.email, &bob.device).await, without);
    assert_eq!(seen(4, "nobody@example.com", &alice.device).await, without);
    assert_eq!(seen(5, "not an address", &alice.device).await, without);
}

/// Who signs out every evening is no stranger every morning.
#[actix_web::test]
async fn signing_out_leaves_the_device_known() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let out = alice.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
    assert_eq!(out.header("clear-site-data"), Some("\"cache\", \"storage\""));
    assert!(out.header("set-cookie").unwrap().starts_with("__Host-refresh=; "));
    assert_eq!(out.headers.get_all("set-cookie").iter().count(), 1);
    lock(&app, &alice.email).await;
    try_sign_in_with(&from(&app, 1), &alice.email, PASSWORD, &alice.device).await.ok(200);
}

/// CWE-613: an intruder once had the password, signed in on several devices, and kept their cookies.
#[actix_web::test]
async fn password_reset_voids_the_device_cookies_of_an_intruder() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut kept = Vec::new();
    for network in 1..=4 {
        let intruder = try_sign_in(&from(&app, network), &alice.email, PASSWORD).await.ok(200);
        kept.push(device_cookie(&intruder).unwrap());
    }
    let device = device_cookie(&reset(&app, &alice.email).await).unwrap();
    for guess in 0..20 {
        let cookie = &kept[guess as usize % 4];
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

/// The epoch advances with each of them; the client that changes the password gets a cookie of the new one in the same reply.
#[actix_web::test]
async fn password_change_and_end_of_all_sessions_void_earlier_device_cookies() {
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
    let fresh = device_cookie(&changed).expect("a new device cookie in the same reply");
    try_sign_in_with(&from(&app, 2), &alice.email, OTHER, &fresh).await.ok(200);
}

/// The attacker never stops, and the owner has no device: the reset makes theirs known.
#[actix_web::test]
async fn a_reset_makes_the_device_known_so_that_the_next_lock_does_not_matter() {
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
