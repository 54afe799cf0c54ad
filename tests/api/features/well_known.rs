//! The well-known URLs (RFC 8615), and the timeout of idle connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;

use crate::support::TestApp;

#[actix_web::test]
async fn change_password_address_redirects_to_the_reset_page() {
    let app = TestApp::start().await;
    for method in [Method::GET, Method::HEAD] {
        let reply = app.anonymous().request(method, "/.well-known/change-password").send().await.ok(303);
        assert_eq!(reply.header("location"), Some("/reset"));
    }
    app.anonymous().request(Method::GET, "/reset").send().await.ok(200);
    // Password managers request this path to detect services that return 200 for every path.
    let probe = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200";
    app.anonymous().request(Method::GET, probe).send().await.assert_refused(404, "not_found");
}

#[actix_web::test]
async fn idle_connection_is_closed_after_the_configured_time() {
    let app = TestApp::with(&[("STRONGROOM_HTTP_KEEP_ALIVE_SECONDS", "1")]).await;
    let address = app.running.as_ref().unwrap().http;
    let rest = actix_web::rt::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).map(|_| rest)
    });
    let rest = rest.await.unwrap().expect("the server closes the connection");
    assert!(rest.starts_with("HTTP/1.1 204 "), "{rest}");
    assert!(!rest.to_lowercase().contains("connection: close"), "the connection was kept open for another request");
}
