//! Body limits (API4). Clients send large, endless or compressed bodies, or are slow (Slowloris, slow POST, slow read).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;

use crate::support::{TestApp, wait};

fn raw(app: &TestApp, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[actix_web::test]
async fn oversized_content_length_is_refused_before_the_body_is_read() {
    let app = TestApp::start().await;
    let stream = raw(
        &app,
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 209715200\r\n\r\n",
    );
    let answer = tokio::task::spawn_blocking(|| answer(stream)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("payload_too_large"));
}

/// On an unknown path, or without a valid token, no handler reads the body. The connection must still close.
#[actix_web::test]
async fn endless_chunked_body_is_cut_off() {
    let app = TestApp::start().await;
    for path in ["/api/v1/auth/login", "/api/v1/invoices", "/api/v1/auth/refresh", "/nothing"] {
        let mut stream = raw(
            &app,
            &format!(
                "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            ),
        );
        tokio::task::spawn_blocking(move || {
            let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
            wait::until_some_blocking(&format!("{path} is closed"), || stream.write_all(chunk.as_bytes()).err());
        })
        .await
        .unwrap();
    }
}

#[actix_web::test]
async fn connection_is_reused_after_a_complete_body() {
    let app = TestApp::start().await;
    let one = "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let last = "GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let stream = raw(&app, &format!("{one}{one}{last}"));
    let answer = tokio::task::spawn_blocking(|| answer(stream)).await.unwrap();
    assert_eq!((answer.matches("HTTP/1.1 400 ").count(), answer.matches("HTTP/1.1 204 ").count()), (2, 1), "{answer}");
}

#[actix_web::test]
async fn compressed_body_is_not_decompressed() {
    let app = TestApp::start().await;
    let reply = app
        .anonymous()
        .request(Method::POST, "/api/v1/auth/login")
        .header("content-encoding", "gzip")
        .body("application/json", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0])
        .send()
        .await;
    reply.assert_refused(400, "not_json");
}

#[actix_web::test]
async fn incomplete_body_times_out() {
    let app = TestApp::start().await;
    let stream = raw(
        &app,
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{",
    );
    let answer = tokio::task::spawn_blocking(|| answer(stream)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("body_timeout"));
}

#[actix_web::test]
async fn incomplete_headers_time_out() {
    let app = TestApp::start().await;
    let stream = raw(&app, "GET /health/live HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    let answer = tokio::task::spawn_blocking(|| answer(stream)).await.unwrap();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

/// Slow read: the client never reads, and its receive window has the smallest size.
#[actix_web::test]
async fn client_that_reads_no_responses_loses_its_connection() {
    let app = TestApp::start().await;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(1).unwrap();
    socket.connect(&app.running.as_ref().unwrap().http.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    tokio::task::spawn_blocking(move || {
        let ask = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n";
        // While the service cannot write, it also stops reading, and a write of the test may time out.
        // Any other error means that the service has closed the connection.
        wait::until_some_blocking("the connection is closed", || {
            std::thread::sleep(Duration::from_millis(20));
            stream.write_all(ask).err().filter(|error| error.kind() != std::io::ErrorKind::WouldBlock)
        });
    })
    .await
    .unwrap();
}
