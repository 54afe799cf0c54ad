//! Security headers and request ids (API8). The test client checks the headers of every response (`support/client.rs`).
//! This file sends unusual requests, whose responses lack the headers in many frameworks.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;

use crate::support::{TestApp, logs};

/// All other tests compare the headers with the table in `security/browser/headers.rs`. This test checks the table.
#[actix_web::test]
async fn security_headers_have_the_expected_values() {
    let app = TestApp::start().await;
    for (path, status) in [("/health/live", 204), ("/problems", 200), ("/nothing", 404), ("/api/v1/me", 401)] {
        let reply = app.anonymous().request(Method::GET, path).send().await.ok(status);
        for (name, value) in [
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}");
        }
        let policy = reply.header("content-security-policy").unwrap();
        for directive in ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"] {
            assert!(policy.split("; ").any(|one| one == directive), "{policy}");
        }
        assert!(reply.header("permissions-policy").unwrap().contains("camera=()"));
        for absent in ["server", "x-powered-by", "x-ratelimit-limit", "x-ratelimit-after", "x-xss-protection"] {
            assert_eq!(reply.header(absent), None, "{path}");
        }
    }
}

#[actix_web::test]
async fn refusals_of_every_layer_carry_all_headers() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let get = |path: &str| client.request(Method::GET, path);
    get("/no-such-path").send().await.assert_refused(404, "not_found");
    client.request(Method::DELETE, "/health/live").send().await.assert_refused(405, "method_not_allowed");
    get("/api/v1/me").send().await.assert_refused(401, "unauthenticated");
    get("/health/live").header("origin", "https://evil.example").send().await.assert_refused(403, "origin_not_allowed");
    client
        .request(Method::POST, "/api/v1/auth/login")
        .body("text/csv", "a,b")
        .send()
        .await
        .assert_refused(415, "unsupported_media_type");
    client
        .request(Method::POST, "/api/v1/auth/login")
        .body("application/json", "{")
        .send()
        .await
        .assert_refused(400, "not_json");
    client.request(Method::POST, "/api/v1/auth/refresh").send().await.assert_refused(403, "cross_site_request");
    get("/health/live").send().await.ok(204);
    get("/api/v1/openapi.json").send().await.ok(200);
}

#[actix_web::test]
async fn client_request_id_is_logged_separately_and_only_if_it_is_a_uuid() {
    let app = TestApp::start().await;
    let client_id = "0d2a9d3c-6f1e-4a68-9f0e-6a7f1f4b2c11";
    let reply = app.anonymous().request(Method::GET, "/health/live").header("x-request-id", client_id).send().await;
    assert_ne!(reply.request_id(), client_id);
    let lines = logs::for_request(&reply.request_id());
    assert_eq!(lines[0]["span"]["client_request_id"], client_id);
    let forged = b"x\t[31m not an id \xff{\"level\":\"ERROR\"}";
    let reply = app.anonymous().request(Method::GET, "/health/live").header("x-request-id", forged).send().await;
    for line in logs::for_request(&reply.request_id()) {
        assert_eq!(line["span"].get("client_request_id"), None);
    }
    assert!(!logs::contains("not an id"));
}

/// actix's parser refuses malformed HTTP before any middleware runs, so the response has no security headers.
#[actix_web::test]
async fn malformed_http_gets_an_empty_response() {
    let app = TestApp::start().await;
    let address = app.base.strip_prefix("http://").unwrap().to_owned();
    let send = move |text: String| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    let answers = tokio::task::spawn_blocking(move || {
        [
            ("not http", "GARBAGE\r\n\r\n".to_owned(), "400"),
            ("no host", "GET /health/live HTTP/1.1\r\n\r\n".to_owned(), "400"),
            ("two hosts", "GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), "400"),
            (
                "two lengths (request smuggling)",
                "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde".to_owned(),
                "400",
            ),
            (
                "length and chunked (request smuggling)",
                "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
                "400",
            ),
            ("folded header", "GET /health/live HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n".to_owned(), "400"),
            ("200 kB of headers", format!("GET /health/live HTTP/1.1\r\nHost: a\r\nX-A: {}\r\n\r\n", "a".repeat(200_000)), "431"),
        ]
        .map(|(name, text, status)| (name, send(text), status))
    })
    .await
    .unwrap();
    for (name, answer, status) in answers {
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {answer:?}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "", "{name}");
    }
}
