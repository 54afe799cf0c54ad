//! More than is taken, by whatever length is told; less than was told; slowly; and clients that go away in the middle.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use reqwest::Method;

use super::{nothing_is_kept, soon_nothing_is_kept};
use crate::support::form::Form;
use crate::support::{Actor, TestApp, wait};

const SMALL: &[(&str, &str)] = &[("STRONGROOM_DOCUMENTS_MAX_BYTES", "4096")];
const TOO_LARGE: &str = "input_validation_fail/payload_too_large";

/// A connection on which this much of an upload has been sent.
fn begun(app: &TestApp, alice: &Actor, length: &str, body: &[u8]) -> TcpStream {
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

/// Something of it has arrived.
async fn arriving(app: &TestApp) {
    let folder = app.services().settings.documents.folder.join("incoming");
    wait::until("something arrives", async || std::fs::read_dir(&folder).unwrap().next().is_some()).await;
}

#[actix_web::test]
async fn a_file_is_as_large_as_is_set_and_not_a_byte_more() {
    let app = TestApp::with(SMALL).await;
    let alice = app.user("alice").await;
    let over = Form::with_size(4097);
    alice.upload(over.clone()).await.assert_refused(413, "payload_too_large").assert_events(&[TOO_LARGE]);
    let untold = reqwest::Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(over.bytes())]));
    let reply = alice.request(Method::POST, "/api/v1/documents").body(&Form::content_type(), untold).send().await;
    reply.assert_refused(413, "payload_too_large").assert_events(&[TOO_LARGE]);
    nothing_is_kept(&app).await;
    alice.upload(Form::with_size(4096)).await.ok(201);
}

#[actix_web::test]
async fn a_length_that_says_too_much_is_refused_before_anything_is_read() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let said = answer(begun(&app, &alice, "Content-Length: 209715200", b"")).await;
    assert!(said.starts_with("HTTP/1.1 413 ") && said.contains("payload_too_large"), "{said}");
    nothing_is_kept(&app).await;
}

/// It is counted on the way, and its connection ends.
#[actix_web::test]
async fn an_upload_without_an_end_is_counted_on_the_way() {
    let app = TestApp::with(SMALL).await;
    let alice = app.user("alice").await;
    let mut stream = begun(&app, &alice, "Transfer-Encoding: chunked", b"");
    tokio::task::spawn_blocking(move || {
        let head = "--a-boundary-that-is-in-no-file\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n";
        stream.write_all(format!("{:x}\r\n{head}\r\n", head.len()).as_bytes()).unwrap();
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
        // Slowly, and for ever if the server were willing.
        wait::until_some_blocking("the connection is closed", || stream.write_all(chunk.as_bytes()).err());
    })
    .await
    .unwrap();
    soon_nothing_is_kept(&app).await;
}

#[actix_web::test]
async fn a_length_that_says_too_little_cuts_the_form_off() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let form = Form::valid().bytes();
    let length = format!("Content-Length: {}\r\nConnection: close", form.len() - 20);
    let said = answer(begun(&app, &alice, &length, &form)).await;
    assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
    soon_nothing_is_kept(&app).await;
}

#[actix_web::test]
async fn a_client_that_goes_away_leaves_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for length in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
        let part = Form::with_size(200_000).truncated();
        let part = match length.starts_with('T') {
            true => [format!("{:x}\r\n", 500_000).into_bytes(), part].concat(),
            false => part,
        };
        let stream = begun(&app, &alice, length, &part);
        arriving(&app).await;
        stream.shutdown(Shutdown::Both).unwrap();
        drop(stream);
        soon_nothing_is_kept(&app).await;
    }
}

/// A reset ends the request itself in the middle, and with it whatever would have tidied up behind it.
#[actix_web::test]
async fn a_client_that_resets_its_connection_leaves_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let stream = begun(&app, &alice, "Content-Length: 1000000", &Form::with_size(200_000).truncated());
    arriving(&app).await;
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    soon_nothing_is_kept(&app).await;
}

/// 500 bytes a second would hold a place for six hours.
#[actix_web::test]
async fn an_upload_that_drips_ends() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut stream = begun(&app, &alice, "Content-Length: 10000000", &Form::with_size(10_000).truncated());
    arriving(&app).await;
    let mut more = stream.try_clone().unwrap();
    let drip = std::thread::spawn(move || {
        while more.write_all(&[b'x'; 100]).is_ok() {
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    let said = tokio::task::spawn_blocking(move || {
        let mut said = [0; 4096];
        let read = stream.read(&mut said).unwrap_or(0);
        let _ = stream.shutdown(Shutdown::Both);
        String::from_utf8_lossy(&said[..read]).into_owned()
    });
    let said = said.await.unwrap();
    drip.join().unwrap();
    assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("body_timeout"), "{said}");
    soon_nothing_is_kept(&app).await;
}
