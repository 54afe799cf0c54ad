//! Attacks on the authentication of sockets (API2): single-use tickets, timeouts and origins (cross-site WebSocket
//! hijacking).

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::support::TestApp;
use crate::support::socket::{Socket, handshake, ticket};

async fn refused(app: &TestApp, ticket: &str) -> Socket {
    let mut socket = Socket::open(app).await;
    socket.send(&json!({"type": "authenticate", "ticket": ticket})).await;
    assert_eq!(socket.close_code().await, 4401);
    socket
}

#[actix_web::test]
async fn ticket_opens_only_one_socket() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let first = ticket(&alice).await;
    let again = async |ticket: String| {
        let mut socket = Socket::open(&app).await;
        socket.send(&json!({"type": "authenticate", "ticket": ticket})).await;
        socket.next().await.unwrap().0
    };
    let all = futures_util::future::join_all((0..8).map(|_| again(first.clone()))).await;
    assert_eq!(all.iter().filter(|opcode| **opcode == 1).count(), 1, "exactly one socket is accepted: {all:?}");
    refused(&app, &first).await.wait_for_event("authn_token_reuse/ticket").await;
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("select token_hash from live_tickets").fetch_all(&app.all_rows).await.unwrap();
    assert!(stored.iter().all(|hash| hash.len() == 32), "the table must contain a hash of the ticket, not the ticket");
}

#[actix_web::test]
async fn unknown_or_expired_ticket_is_rejected() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let late = ticket(&alice).await;
    let before = app.digest_all().await;
    refused(&app, &"A".repeat(43)).await.wait_for_event("authn_token_invalid/unknown_ticket").await;
    for other in ["", "x", alice.token.as_str(), alice.cookie.as_str()] {
        refused(&app, other).await;
    }
    app.clock.advance(TimeDelta::seconds(30));
    refused(&app, &late).await.wait_for_event("authn_token_invalid/expired_ticket").await;
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn ticket_of_an_ended_session_is_rejected() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let orphan = ticket(&alice).await;
    alice.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
    refused(&app, &orphan).await.wait_for_event("authn_token_revoked/session_ended").await;
    let reply = alice.request(Method::POST, "/api/v1/live/tickets").send().await;
    reply.assert_refused(401, "unauthenticated").assert_events(&["authn_token_revoked/session_ended"]);
}

#[actix_web::test]
async fn message_before_authentication_closes_the_socket() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let good = ticket(&alice).await;
    for first in [
        json!({"type": "subscribe", "object": "invoices"}),
        json!({"type": "renew", "ticket": good}),
        json!({"type": "authenticate", "ticket": good, "user": "bob"}),
        json!(["authenticate", good]),
    ] {
        let mut socket = Socket::open(&app).await;
        socket.send(&first).await;
        assert_eq!(socket.close_code().await, 4401, "{first}");
        socket.wait_for_event("authn_token_invalid/no_ticket").await;
    }
    // The ticket is still valid, because the messages above were refused.
    let mut socket = Socket::open(&app).await;
    socket.send(&json!({"type": "authenticate", "ticket": good})).await;
    assert_eq!(socket.receive().await["type"], "ready");
}

#[actix_web::test]
async fn unauthenticated_socket_times_out() {
    let app = TestApp::start().await;
    let mut silent = Socket::open(&app).await;
    assert_eq!(silent.close_code().await, 4401);
    silent.wait_for_event("authn_token_invalid/no_ticket").await;
    // A ping must not postpone the timeout.
    let mut pinging = Socket::open(&app).await;
    for _ in 0..12 {
        pinging.frame(0x89, b"x").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(pinging.close_code().await, 4401);
}

#[actix_web::test]
async fn ticket_in_the_url_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let ticket = ticket(&alice).await;
    let reply = app.anonymous().request(Method::GET, &format!("/api/v1/live?ticket={ticket}")).send().await;
    reply.assert_refused(400, "invalid_input");
    assert!(!crate::support::logs::contains(&ticket), "the ticket is not logged");
}

#[actix_web::test]
async fn handshake_from_an_unlisted_origin_is_refused() {
    let app = TestApp::start().await;
    for origin in ["https://evil.example", "null", "http://localhost:8080.evil.example", "file://"] {
        let (head, _) = handshake(&app, &format!("Origin: {origin}\r\n")).await;
        assert!(head.starts_with("HTTP/1.1 403 "), "{origin}: {head}");
        let id = head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
        assert_eq!(crate::support::logs::events(id), ["malicious_cors/origin_not_allowed"]);
    }
    let (twice, _) = handshake(&app, "Origin: http://localhost:8080\r\nOrigin: http://localhost:8080\r\n").await;
    assert!(twice.starts_with("HTTP/1.1 403 "), "{twice}");
    let (listed, _) = handshake(&app, "Origin: http://localhost:8080\r\n").await;
    assert!(listed.starts_with("HTTP/1.1 101 "), "{listed}");
}

#[actix_web::test]
async fn no_sub_protocol_or_compression_is_negotiated() {
    let app = TestApp::start().await;
    let more = "Sec-WebSocket-Protocol: strongroom, chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
    let (head, _) = handshake(&app, more).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(!head.to_lowercase().contains("sec-websocket-protocol"), "{head}");
    assert!(!head.to_lowercase().contains("sec-websocket-extensions"), "{head}");
}

#[actix_web::test]
async fn request_without_upgrade_returns_426() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let reply = alice.get("/api/v1/live").await;
    reply.assert_refused(426, "upgrade_required").assert_events(&["input_validation_fail/upgrade_required"]);
    assert_eq!((reply.header("upgrade"), reply.header("sec-websocket-version")), (Some("websocket"), Some("13")));
}

#[actix_web::test]
async fn unauthenticated_sockets_per_address_are_limited() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(Socket::open(&app).await);
    }
    let (head, _) = handshake(&app, "").await;
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
    // An authenticated socket does not count for the limit of its address.
    let first = ticket(&alice).await;
    waiting[0].send(&json!({"type": "authenticate", "ticket": first})).await;
    assert_eq!(waiting[0].receive().await["type"], "ready");
    Socket::open(&app).await;
}

#[actix_web::test]
async fn sockets_per_user_are_limited() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(Socket::connect(&app, &alice).await);
    }
    let mut eleventh = Socket::open(&app).await;
    eleventh.send(&json!({"type": "authenticate", "ticket": ticket(&alice).await})).await;
    assert_eq!(eleventh.close_code().await, 4429);
    eleventh.wait_for_event("excess_rate_limit_exceeded/live_sockets").await;
    sockets[0].frame(0x88, &1000_u16.to_be_bytes()).await;
    assert_eq!(sockets[0].close_code().await, 1000);
    Socket::connect(&app, &alice).await;
}
