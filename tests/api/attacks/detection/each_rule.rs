//! Each detection rule detects its attack over HTTP. The module `rules` tests thresholds and counters with artificial
//! events.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use chrono::TimeDelta;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use strongroom::security::detection::rules::table::RULES;
use uuid::Uuid;

use super::rules::{alerts, id_of, probe_until_session_ends, wait_for_count};
use crate::attacks::communication::transport::{over_tls, production};
use crate::support::actor::{PASSWORD, try_sign_in};
use crate::support::forgery::{self, Key};
use crate::support::socket::{Socket, ticket};
use crate::support::{Actor, TestApp};

const WRONG: &str = "correct horse battery 8";
const HERE: &str = "127.0.0.1";

/// Waits until the rule has counted this many events. The only alert must be of this rule, about this subject.
async fn assert_single_alert(app: &TestApp, rule: &str, events: i64, subject: &str) {
    wait_for_count(app, rule, events).await;
    assert_eq!(alerts(app).await, [(rule.to_owned(), subject.to_owned(), 1)]);
}

#[test]
fn every_rule_has_its_attack() {
    let attacks = [include_str!("rules.rs"), include_str!("each_rule.rs")].concat();
    for rule in RULES {
        assert!(attacks.contains(&format!("&app, \"{}\"", rule.name)), "no test attacks the rule {}", rule.name);
    }
}

#[actix_web::test]
async fn enumerating_session_is_ended_and_others_are_not() {
    let no_alert = ("STRONGROOM_RULES_ID_ENUMERATION", "1000/5m");
    let app = TestApp::with(&[("STRONGROOM_RULES_ENUMERATING_SESSION", "30/5m"), no_alert]).await;
    let mallory = app.user("mallory").await;
    let elsewhere = Actor::sign_in(&app.anonymous(), &mallory.email, &mallory.password).await;
    let user = id_of(&mallory).await;
    let steps = probe_until_session_ends(&app, &mallory, &elsewhere, || Uuid::new_v4().to_string()).await;
    assert_single_alert(&app, "enumerating_session", steps, &user).await;
}

#[actix_web::test]
async fn brute_force_raises_an_alert_and_so_does_a_correct_guess() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let from = |network: u8| app.client_from(Ipv4Addr::new(127, 3, network, 1).into());
    for network in 1..=10 {
        try_sign_in(&from(network), &alice.email, WRONG).await.assert_refused(401, "invalid_credentials");
    }
    wait_for_count(&app, "account_brute_force", 1).await;
    let raised = alerts(&app).await;
    let [(rule, account, 1)] = raised.as_slice() else { panic!("one: {raised:?}") };
    assert_eq!((rule.as_str(), account.len()), ("account_brute_force", 16), "the subject must be a hash");
    try_sign_in(&from(11), &alice.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    wait_for_count(&app, "correct_password_while_locked", 1).await;
    let raised: Vec<(String, String)> =
        alerts(&app).await.into_iter().map(|(rule, subject, _)| (rule, subject)).collect();
    let both = ["account_brute_force", "correct_password_while_locked"].map(|rule| (rule.to_owned(), account.clone()));
    assert_eq!(raised, both);
}

#[actix_web::test]
async fn password_spraying_raises_an_alert() {
    let app = TestApp::with(&[("STRONGROOM_LOGIN_ACCOUNTS_PER_NETWORK", "5/1h")]).await;
    let sprayer = app.client_from([127, 9, 9, 1].into());
    for name in 1..=5 {
        try_sign_in(&sprayer, &format!("n{name}@example.com"), WRONG).await.assert_refused(401, "invalid_credentials");
    }
    assert_single_alert(&app, "password_spraying", 1, "127.9.9.1").await;
}

#[actix_web::test]
async fn reused_token_raises_an_alert() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let user = id_of(&alice).await;
    let ticket = ticket(&alice).await;
    for (opcode, answer) in [(1, "the first use is accepted"), (8, "the second is rejected")] {
        let mut socket = Socket::open(&app).await;
        socket.send(&json!({"type": "authenticate", "ticket": ticket})).await;
        assert_eq!(socket.next().await.unwrap().0, opcode, "{answer}");
    }
    assert_single_alert(&app, "reused_tokens", 1, &user).await;
    alice.refresh(&app, &alice.cookie).await.ok(200);
    app.clock.advance(TimeDelta::seconds(11));
    alice.refresh(&app, &alice.cookie).await.assert_refused(401, "unauthenticated");
    assert_single_alert(&app, "reused_tokens", 2, &user).await;
}

/// Requests without a token or with an expired token do not count, because ordinary clients send them too.
#[actix_web::test]
async fn forged_tokens_raise_an_alert() {
    let made = ["algorithm", "audience", "header", "issuer", "signature", "type", "unknown_key"];
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let key = Key::hs256(app.services().settings.jwt.key.expose_secret());
    let mut faults = Vec::new();
    for (_, forged) in forgery::all(&alice.token, &key) {
        if forged.bytes().any(|byte| byte < 32 && byte != b'\t' || byte == 127) || forged.trim() == alice.token {
            continue;
        }
        let reply = app.anonymous().request(Method::GET, "/api/v1/me").bearer(&forged).send().await;
        let told = reply.assert_refused(401, "unauthenticated").events().concat();
        faults.extend(made.into_iter().find(|fault| told == format!("authn_token_invalid/{fault}")));
    }
    assert_eq!(
        faults.iter().copied().collect::<BTreeSet<_>>(),
        BTreeSet::from(made),
        "the test must send a token of every kind of forgery"
    );
    assert_single_alert(&app, "forged_tokens", faults.len() as i64, HERE).await;
    // A valid signature with an unknown session means that the signing key was stolen.
    let stolen = forgery::Forger::new(&alice.token, &key).claim("sid", json!(Uuid::new_v4()));
    app.anonymous()
        .request(Method::GET, "/api/v1/me")
        .bearer(&stolen)
        .send()
        .await
        .assert_refused(401, "unauthenticated");
    assert_single_alert(&app, "forged_tokens", faults.len() as i64 + 1, HERE).await;
}

#[actix_web::test]
async fn token_over_plain_http_raises_an_alert() {
    let app = production(&[]).await;
    let alice = Actor::sign_up_from(&app, &over_tls(&app), "alice").await;
    let user = id_of(&alice).await;
    let plain = app.anonymous().request(Method::GET, "/api/v1/me").bearer(&alice.token).send().await;
    plain.assert_refused(403, "https_required");
    assert_single_alert(&app, "tokens_over_plain_http", 1, &user).await;
}

#[actix_web::test]
async fn disallowed_origins_raise_an_alert() {
    let app = TestApp::with(&[("STRONGROOM_RULES_DISALLOWED_ORIGINS", "3/5m")]).await;
    for _ in 0..3 {
        let page = app.anonymous().request(Method::GET, "/api/v1/me").header("origin", "https://evil.example");
        page.send().await.assert_refused(403, "origin_not_allowed");
    }
    assert_single_alert(&app, "disallowed_origins", 3, HERE).await;
}

#[actix_web::test]
async fn spoofed_forwarding_headers_raise_an_alert() {
    let app = TestApp::with(&[("STRONGROOM_RULES_SPOOFED_FORWARDING_HEADERS", "4/5m")]).await;
    for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"] {
        let forged = app.anonymous().request(Method::GET, "/health/live").header(name, "198.51.100.1");
        forged.send().await.ok(204).assert_events(&["malicious_forwarding_header/"]);
    }
    assert_single_alert(&app, "spoofed_forwarding_headers", 4, HERE).await;
}

#[actix_web::test]
async fn input_validation_failures_raise_an_alert() {
    let app = TestApp::with(&[("STRONGROOM_RULES_INPUT_VALIDATION_FAILURES", "3/5m")]).await;
    for (kind, status) in [("text/plain", 415), ("application/json", 400), ("application/xml", 415)] {
        let hostile = app.anonymous().request(Method::POST, "/api/v1/auth/login").body(kind, "<a>");
        assert_eq!(hostile.send().await.status.as_u16(), status, "{kind}");
    }
    assert_single_alert(&app, "input_validation_failures", 3, HERE).await;
}

#[actix_web::test]
async fn requests_over_rate_limit_raise_an_alert() {
    let flood = ("STRONGROOM_LIMITS_UNKNOWN_PATH", "1/1h");
    let app = TestApp::with(&[flood, ("STRONGROOM_RULES_RATE_LIMIT_FLOODS", "3/5m")]).await;
    let ask = async || app.anonymous().request(Method::GET, "/nothing").send().await;
    ask().await.assert_refused(404, "not_found");
    for _ in 0..3 {
        ask().await.assert_refused(429, "too_many_requests");
    }
    assert_single_alert(&app, "rate_limit_floods", 3, HERE).await;
}
