//! Each rule of abuse is raised by the attack that it is for, as somebody plays it over HTTP. That the table's rows count
//! and act as they say is asked in `rules`, of made-up events; here it is asked whether such events ever come.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use chrono::TimeDelta;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use strongroom::security::detection::rules::table::RULES;
use uuid::Uuid;

use super::rules::{alerts, asks_until_it_ends, id_of, must_count};
use crate::attacks::communication::transport::{over_tls, production};
use crate::support::actor::{PASSWORD, try_sign_in};
use crate::support::forgery::{self, Key};
use crate::support::socket::{Socket, ticket};
use crate::support::{Actor, TestApp};

const WRONG: &str = "correct horse battery 8";
const HERE: &str = "127.0.0.1";

/// Once it has counted so many: it alone has told, of this somebody.
async fn raises(app: &TestApp, rule: &str, events: i64, about: &str) {
    must_count(app, rule, events).await;
    assert_eq!(alerts(app).await, [(rule.to_owned(), about.to_owned(), 1)]);
}

/// A rule that is new needs its attack.
#[test]
fn every_rule_has_its_attack() {
    let attacks = [include_str!("rules.rs"), include_str!("each_rule.rs")].concat();
    for rule in RULES {
        assert!(attacks.contains(&format!("&app, \"{}\"", rule.name)), "no attack raises {}", rule.name);
    }
}

#[actix_web::test]
async fn a_session_that_goes_on_guessing_ends_and_no_other() {
    let told_later = ("STRONGROOM_RULES_GUESSED_IDS", "1000/5m");
    let app = TestApp::with(&[("STRONGROOM_RULES_GUESSING_SESSION", "30/5m"), told_later]).await;
    let mallory = app.user("mallory").await;
    let elsewhere = Actor::sign_in(&app.anybody(), &mallory.email, &mallory.password).await;
    let user = id_of(&mallory).await;
    let steps = asks_until_it_ends(&app, &mallory, &elsewhere, || Uuid::new_v4().to_string()).await;
    raises(&app, "guessing_session", steps, &user).await;
}

#[actix_web::test]
async fn a_hammered_account_is_told_and_so_is_a_right_guess_at_it() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let from = |network: u8| app.from(Ipv4Addr::new(127, 3, network, 1).into());
    for network in 1..=10 {
        try_sign_in(&from(network), &alice.email, WRONG).await.refused(401, "invalid_credentials");
    }
    must_count(&app, "account_hammered", 1).await;
    let told = alerts(&app).await;
    let [(rule, account, 1)] = told.as_slice() else { panic!("one: {told:?}") };
    assert_eq!((rule.as_str(), account.len()), ("account_hammered", 16), "a hash and no address");
    try_sign_in(&from(11), &alice.email, PASSWORD).await.refused(401, "invalid_credentials");
    must_count(&app, "right_password_while_locked", 1).await;
    let told: Vec<(String, String)> = alerts(&app).await.into_iter().map(|(rule, about, _)| (rule, about)).collect();
    let both = ["account_hammered", "right_password_while_locked"].map(|rule| (rule.to_owned(), account.clone()));
    assert_eq!(told, both);
}

#[actix_web::test]
async fn a_network_that_tries_many_accounts_is_told() {
    let app = TestApp::with(&[("STRONGROOM_LOGIN_ACCOUNTS_PER_NETWORK", "5/1h")]).await;
    let sprayer = app.from([127, 9, 9, 1].into());
    for name in 1..=5 {
        try_sign_in(&sprayer, &format!("n{name}@example.com"), WRONG).await.refused(401, "invalid_credentials");
    }
    raises(&app, "many_accounts", 1, "127.9.9.1").await;
}

#[actix_web::test]
async fn a_token_that_is_used_twice_is_told() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let user = id_of(&alice).await;
    let ticket = ticket(&alice).await;
    for (opcode, answer) in [(1, "the first is let in"), (8, "the second is not")] {
        let mut socket = Socket::open(&app).await;
        socket.say(&json!({"type": "authenticate", "ticket": ticket})).await;
        assert_eq!(socket.next().await.unwrap().0, opcode, "{answer}");
    }
    raises(&app, "stolen_tokens", 1, &user).await;
    alice.refresh(&app, &alice.cookie).await.ok(200);
    app.clock.turn(TimeDelta::seconds(11));
    alice.refresh(&app, &alice.cookie).await.refused(401, "unauthenticated");
    raises(&app, "stolen_tokens", 2, &user).await;
}

/// An expired token and none at all are everyday faults; these have been made by somebody.
#[actix_web::test]
async fn tokens_that_nobody_here_has_signed_are_told() {
    let made = ["algorithm", "audience", "header", "issuer", "signature", "type", "unknown_key"];
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let key = Key::hs256(app.services().settings.jwt.key.expose_secret());
    let mut faults = Vec::new();
    for (_, forged) in forgery::all(&alice.token, &key) {
        if forged.bytes().any(|byte| byte < 32 && byte != b'\t' || byte == 127) || forged.trim() == alice.token {
            continue;
        }
        let reply = app.anybody().request(Method::GET, "/api/v1/me").bearer(&forged).send().await;
        let told = reply.refused(401, "unauthenticated").events().concat();
        faults.extend(made.into_iter().find(|fault| told == format!("authn_token_invalid/{fault}")));
    }
    assert_eq!(faults.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from(made), "each of them is tried");
    raises(&app, "forged_tokens", faults.len() as i64, HERE).await;
    // Rightly signed, of a session that is not there: the key was stolen.
    let stolen = forgery::Forger::new(&alice.token, &key).claim("sid", json!(Uuid::new_v4()));
    app.anybody().request(Method::GET, "/api/v1/me").bearer(&stolen).send().await.refused(401, "unauthenticated");
    raises(&app, "forged_tokens", faults.len() as i64 + 1, HERE).await;
}

#[actix_web::test]
async fn a_token_on_plain_http_is_told() {
    let app = production(&[]).await;
    let alice = Actor::join_by(&app, &over_tls(&app), "alice").await;
    let user = id_of(&alice).await;
    let plain = app.anybody().request(Method::GET, "/api/v1/me").bearer(&alice.token).send().await;
    plain.refused(403, "https_required");
    raises(&app, "tokens_on_plain_http", 1, &user).await;
}

#[actix_web::test]
async fn calls_from_pages_of_foreign_origins_are_told() {
    let app = TestApp::with(&[("STRONGROOM_RULES_FOREIGN_ORIGINS", "3/5m")]).await;
    for _ in 0..3 {
        let page = app.anybody().request(Method::GET, "/api/v1/me").header("origin", "https://evil.example");
        page.send().await.refused(403, "origin_not_allowed");
    }
    raises(&app, "foreign_origins", 3, HERE).await;
}

#[actix_web::test]
async fn headers_that_only_a_proxy_of_ours_may_send_are_told() {
    let app = TestApp::with(&[("STRONGROOM_RULES_FORGED_ADDRESSES", "4/5m")]).await;
    for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"] {
        let forged = app.anybody().request(Method::GET, "/health/live").header(name, "198.51.100.1");
        forged.send().await.ok(204).left(&["malicious_forwarding_header/"]);
    }
    raises(&app, "forged_addresses", 4, HERE).await;
}

#[actix_web::test]
async fn requests_that_no_client_of_ours_would_send_are_told() {
    let app = TestApp::with(&[("STRONGROOM_RULES_HOSTILE_INPUT", "3/5m")]).await;
    for (kind, status) in [("text/plain", 415), ("application/json", 400), ("application/xml", 415)] {
        let hostile = app.anybody().request(Method::POST, "/api/v1/auth/login").body(kind, "<a>");
        assert_eq!(hostile.send().await.status.as_u16(), status, "{kind}");
    }
    raises(&app, "hostile_input", 3, HERE).await;
}

#[actix_web::test]
async fn requests_beyond_a_budget_are_told() {
    let flood = ("STRONGROOM_LIMITS_UNKNOWN_PATH", "1/1h");
    let app = TestApp::with(&[flood, ("STRONGROOM_RULES_FLOODS", "3/5m")]).await;
    let ask = async || app.anybody().request(Method::GET, "/nothing").send().await;
    ask().await.refused(404, "not_found");
    for _ in 0..3 {
        ask().await.refused(429, "too_many_requests");
    }
    raises(&app, "floods", 3, HERE).await;
}
