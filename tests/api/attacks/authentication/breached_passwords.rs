//! API2:2023, API10:2023: users choose breached passwords, or the breach service is malicious or fails.
//!
//! The expected hashes were computed with `sha1sum`, independently of the code under test.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::support::actor::{PASSWORD, confirm, mail_token, register, reset_token, try_sign_in};
use crate::support::receiver::{ReceivedRequest, Receiver, ReceiverBehavior};
use crate::support::{Reply, TestApp};

/// Neither the list of common passwords nor zxcvbn rejects this password.
const BREACHED: &str = "hvjk-qwzx-pb";
const PREFIX: &str = "AEE6C";
const SUFFIX: &str = "9F1A2D7283E262A5D35E9F62444F53AD793";
/// A line of the breach service's response (range): the rest of another hash with the same prefix.
const OTHER_LINE: &str = "0018A45C4D1DEF81644B54AB7F969B88D65:1";

async fn app_with(receiver: &Receiver) -> TestApp {
    let (url, authority) = (format!("https://localhost:{}", receiver.port), receiver.authority());
    TestApp::with(&[
        ("STRONGROOM_PASSWORD_BREACH_URL", &url),
        ("STRONGROOM_PASSWORD_BREACH_CA_FILE", authority.to_str().unwrap()),
    ])
    .await
}

fn range(lines: &[&str]) -> ReceiverBehavior {
    ReceiverBehavior::status("200 OK", "content-type: text/plain\r\n", &lines.join("\r\n"))
}

fn breached(count: u64) -> ReceiverBehavior {
    range(&[OTHER_LINE, &format!("{SUFFIX}:{count}")])
}

async fn register_with(app: &TestApp, email: &str, password: &str) -> Reply {
    register(&app.anonymous(), email).await.ok(202);
    confirm(&app.anonymous(), &mail_token(app, email).await, password, "Grace Hopper").await
}

fn assert_breached(reply: &Reply, pointer: &str) {
    reply.assert_invalid_field(pointer).assert_events(&["input_validation_fail/invalid_input"]);
    let errors = reply.json()["errors"].to_string();
    assert!(errors.contains("was published in a data breach: choose four or more random words"), "{errors}");
}

fn first_line(arrived: &ReceivedRequest) -> &str {
    arrived.head.lines().next().unwrap()
}

#[actix_web::test]
async fn breached_password_is_rejected_and_only_five_hash_digits_are_sent() {
    let receiver = Receiver::start(breached(3)).await;
    let app = app_with(&receiver).await;
    register(&app.anonymous(), "grace@example.com").await.ok(202);
    let token = mail_token(&app, "grace@example.com").await;
    let (before, hashes) = (app.digest_all().await, app.services().credentials.passwords.hashes());
    assert_breached(&confirm(&app.anonymous(), &token, BREACHED, "Grace Hopper").await, "/password");
    // A password that the service's own policy rejects must not be sent to the breach service.
    for own_rule in ["short", "unbelievable", "Grace Hopper 1906", "trustno1trustno1"] {
        confirm(&app.anonymous(), &token, own_rule, "Grace Hopper").await.assert_invalid_field("/password");
    }
    assert_eq!(
        app.services().credentials.passwords.hashes(),
        hashes,
        "the service rejects the password before it computes a hash"
    );
    assert_eq!(app.digest_all().await, before);

    let arrived = receiver.requests();
    assert_eq!(arrived.len(), 1);
    assert_eq!(first_line(&arrived[0]), format!("GET /range/{PREFIX} HTTP/1.1"));
    let mut headers: Vec<_> = arrived[0].headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    headers.sort();
    let host = format!("host: localhost:{}", receiver.port);
    assert_eq!(headers, ["accept: */*", "add-padding: true", &host, "user-agent: strongroom"]);
    assert_eq!(arrived[0].body, "");
}

#[actix_web::test]
async fn breached_password_is_rejected_in_change_and_reset() {
    let receiver = Receiver::start(breached(3)).await;
    let app = app_with(&receiver).await;
    let alice = app.user("alice").await;
    app.anonymous()
        .request(Method::POST, "/api/v1/auth/password-reset")
        .json(&json!({"email": alice.email}))
        .send()
        .await
        .ok(202);
    let token = reset_token(&app, &alice.email, "").await;
    let before = app.digest_all().await;
    let change = json!({"current_password": PASSWORD, "new_password": BREACHED});
    assert_breached(&alice.post("/api/v1/me/password", &change).await, "/new_password");
    let reset = json!({"token": token, "new_password": BREACHED});
    let reset = app.anonymous().request(Method::POST, "/api/v1/auth/password-reset/confirm").json(&reset).send().await;
    assert_breached(&reset, "/new_password");
    assert_eq!(app.digest_all().await, before);
    // A login sends no query, because the breach service would learn when users log in.
    let queries = receiver.requests().len();
    try_sign_in(&app.anonymous(), &alice.email, PASSWORD).await.ok(200);
    assert_eq!(receiver.requests().len(), queries);
}

/// Clients send é as one code point or as two. The service stores and queries the NFC form.
#[actix_web::test]
async fn breached_password_is_found_in_both_normalization_forms() {
    let receiver = Receiver::start(range(&[OTHER_LINE, "2A98BD2711D4CFDB3B016F7B3EFD97B7D08:12"])).await;
    let app = app_with(&receiver).await;
    for (email, password) in [
        ("composed@example.com", " caf\u{e9} \u{1f511} walrus horse "),
        ("decomposed@example.com", " cafe\u{301} \u{1f511} walrus horse "),
    ] {
        assert_breached(&register_with(&app, email, password).await, "/password");
    }
    assert_eq!(first_line(&receiver.requests()[0]), "GET /range/99178 HTTP/1.1");
}

/// In a response of the breach service, the count 0 marks padding.
#[actix_web::test]
async fn padding_and_other_hashes_of_range_do_not_reject_password() {
    let receiver = Receiver::start(breached(0)).await;
    let app = app_with(&receiver).await;
    register_with(&app, "grace@example.com", BREACHED).await.ok(204).assert_events(&["user_created/confirmed"]);
    assert_eq!(receiver.requests().len(), 1);
}

#[actix_web::test]
async fn failing_breach_service_fails_open_and_leaves_event() {
    let receiver = Receiver::start(ReceiverBehavior::NeverReply).await;
    let app = app_with(&receiver).await;
    let elsewhere = Receiver::start(breached(3)).await;
    let location = format!("location: https://localhost:{}/range/{PREFIX}\r\n", elsewhere.port);
    let (line, huge) = (format!("{SUFFIX}:3"), [OTHER_LINE].repeat(10_000));
    let unavailable = [
        ReceiverBehavior::NeverReply,
        ReceiverBehavior::WithholdBody,
        ReceiverBehavior::FloodBody,
        range(&huge),
        ReceiverBehavior::status("503 Service Unavailable", "", &line),
        ReceiverBehavior::status("302 Found", &location, &line),
        ReceiverBehavior::Reply(format!("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{line}")),
        ReceiverBehavior::Reply("nonsense".to_owned()),
    ];
    let garbage = ["", "<html>", &format!("{line}\r\n\u{0}"), "9F1A2D:3", &format!("{SUFFIX}:-3"), SUFFIX];
    let invalid = garbage.iter().map(|body| ("invalid_reply", ReceiverBehavior::status("200 OK", "", body)));
    let cases = unavailable.into_iter().map(|plays| ("unavailable", plays)).chain(invalid);
    for (number, (reason, plays)) in cases.enumerate() {
        receiver.set_behavior(plays.clone());
        let event = format!("breach_check_failed/{reason}");
        let reply = register_with(&app, &format!("user{number}@example.com"), BREACHED).await.ok(204);
        assert_eq!(reply.events(), [event.as_str(), "user_created/confirmed"], "{plays:?}");
    }
    assert_eq!(elsewhere.connections(), 0, "the service follows no redirect");

    // A failed query must not be cached.
    receiver.set_behavior(breached(3));
    assert_breached(&register_with(&app, "grace@example.com", BREACHED).await, "/password");
    // The breach service is stopped, so only the cached response is left.
    drop(receiver);
    assert_breached(&register_with(&app, "ann@example.com", BREACHED).await, "/password");
    let reply = register_with(&app, "eve@example.com", PASSWORD).await.ok(204);
    reply.assert_events(&["breach_check_failed/unavailable", "user_created/confirmed"]);
}

#[actix_web::test]
async fn breach_query_with_same_prefix_is_cached_for_a_day() {
    let receiver = Receiver::start(breached(3)).await;
    let app = app_with(&receiver).await;
    for (email, hours, queries) in
        [("a@example.com", 0, 1), ("b@example.com", 0, 1), ("c@example.com", 23, 1), ("d@example.com", 2, 2)]
    {
        app.clock.advance(TimeDelta::hours(hours));
        assert_breached(&register_with(&app, email, BREACHED).await, "/password");
        assert_eq!(receiver.requests().len(), queries, "{email}");
    }
    register_with(&app, "e@example.com", PASSWORD).await.ok(204);
    assert_eq!(receiver.requests().len(), 3, "a hash with another prefix needs a query");
}

#[actix_web::test]
async fn breach_service_is_off_by_default() {
    let app = TestApp::start().await;
    assert!(app.services().credentials.breaches.is_none());
    register_with(&app, "grace@example.com", BREACHED).await.ok(204).assert_events(&["user_created/confirmed"]);
}
