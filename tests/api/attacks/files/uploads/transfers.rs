//! Uploads that are too large, too slow or interrupted, or whose length differs from `Content-Length`.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use reqwest::Method;

use super::{assert_nothing_is_stored, wait_until_nothing_is_stored};
use crate::support::form::Form;
use crate::support::{Actor, TestApp, wait};

const SMALL: &[(&str, &str)] = &[("STRONGROOM_DOCUMENTS_MAX_BYTES", "4096")];
const TOO_LARGE: &str = "input_validation_fail/payload_too_large";

fn start_upload(app: &TestApp, alice: &Actor, length: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!(
        "POST /api/v1/documents HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: {}\r\n{length}\r\n\r\n",
        alice.token,
        Form::content_type()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    let read = move || {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

async fn wait_until_upload_arrives(app: &TestApp) {
    let folder = app.services().settings.documents.folder.join("incoming");
    wait::until("the first bytes arrive", async || std::fs::read_dir(&folder).unwrap().next().is_some()).await;
}

#[actix_web::test]
async fn file_over_the_maximum_size_is_refused() {
    let app = TestApp::with(SMALL).await;
    let alice = app.user("alice").await;
    let over = Form::with_size(4097);
    alice.upload(over.clone()).await.assert_refused(413, "payload_too_large").assert_events(&[TOO_LARGE]);
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(over.bytes())]));
    let reply = alice.request(Method::POST, "/api/v1/documents").body(&Form::content_type(), chunked).send().await;
    reply.assert_refused(413, "payload_too_large").assert_events(&[TOO_LARGE]);
    assert_nothing_is_stored(&app).await;
    alice.upload(Form::with_size(4096)).await.ok(201);
}

#[actix_web::test]
async fn oversized_content_length_is_refused_before_the_body_is_read() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let answer = answer(start_upload(&app, &alice, "Content-Length: 209715200", b"")).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("payload_too_large"), "{answer}");
    assert_nothing_is_stored(&app).await;
}

/// Without `Content-Length`, an upload can be endless.
#[actix_web::test]
async fn endless_upload_is_cut_off() {
    let app = TestApp::with(SMALL).await;
    let alice = app.user("alice").await;
    let mut stream = start_upload(&app, &alice, "Transfer-Encoding: chunked", b"");
    tokio::task::spawn_blocking(move || {
        let head = "--a-boundary-that-is-in-no-file\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n";
        stream.write_all(format!("{:x}\r\n{head}\r\n", head.len()).as_bytes()).unwrap();
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
        wait::until_some_blocking("the connection is closed", || stream.write_all(chunk.as_bytes()).err());
    })
    .await
    .unwrap();
    wait_until_nothing_is_stored(&app).await;
}

#[actix_web::test]
async fn understated_content_length_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let form = Form::valid().bytes();
    let length = format!("Content-Length: {}\r\nConnection: close", form.len() - 20);
    let answer = answer(start_upload(&app, &alice, &length, &form)).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    wait_until_nothing_is_stored(&app).await;
}

#[actix_web::test]
async fn disconnect_during_an_upload_leaves_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for length in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
        let part = Form::with_size(200_000).truncated();
        let part = match length.starts_with('T') {
            true => [format!("{:x}\r\n", 500_000).into_bytes(), part].concat(),
            false => part,
        };
        let stream = start_upload(&app, &alice, length, &part);
        wait_until_upload_arrives(&app).await;
        stream.shutdown(Shutdown::Both).unwrap();
        drop(stream);
        wait_until_nothing_is_stored(&app).await;
    }
}

/// After a connection reset, actix drops the handler's future, so the code after the read never runs.
#[actix_web::test]
async fn connection_reset_during_an_upload_leaves_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let stream = start_upload(&app, &alice, "Content-Length: 1000000", &Form::with_size(200_000).truncated());
    wait_until_upload_arrives(&app).await;
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    wait_until_nothing_is_stored(&app).await;
}

/// Slow POST: at 500 bytes per second, this upload would occupy its connection for six hours.
#[actix_web::test]
async fn slow_upload_times_out() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut stream = start_upload(&app, &alice, "Content-Length: 10000000", &Form::with_size(10_000).truncated());
    wait_until_upload_arrives(&app).await;
    let mut more = stream.try_clone().unwrap();
    let drip = std::thread::spawn(move || {
        while more.write_all(&[b'x'; 100]).is_ok() {
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    let answer = tokio::task::spawn_blocking(move || {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).unwrap_or(0);
        let _ = stream.shutdown(Shutdown::Both);
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    });
    let answer = answer.await.unwrap();
    drip.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("body_timeout"), "{answer}");
    wait_until_nothing_is_stored(&app).await;
}
