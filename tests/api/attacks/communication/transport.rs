//! The service refuses plain HTTP and old versions of TLS (API8, ASVS 12.1.1, 12.2.1).

use std::sync::Arc;

use actix_web::test;
use reqwest::Method;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use strongroom::app::{routes, stack, tls};
use strongroom::base::clock::Clock;
use strongroom::config::Profile;

use crate::support::actor::PASSWORD;
use crate::support::app::settings;
use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::folder;
use crate::support::{Actor, TestApp, logs, wait};

/// Starts the service in the production profile, with a plain listener and a TLS listener.
pub async fn production(changed: &[(&str, &str)]) -> TestApp {
    let database = TestDatabase::create().await;
    let state_dir = folder::new_path();
    let mut settings = settings(&state_dir, changed);
    settings.profile = Profile::Production;
    let certificate = tls::development_certificate(&state_dir.join("tls"), Clock::default().now()).unwrap();
    TestApp::serve(settings, Some(certificate), database, Clock::default(), state_dir)
}

pub fn over_tls(app: &TestApp) -> Client {
    let authority = std::fs::read(app.state_dir.join("tls/ca.pem")).unwrap();
    let port = app.running.as_ref().unwrap().https.unwrap().port();
    Client::trusting(&format!("https://localhost:{port}"), &authority).record_in(app)
}

#[actix_web::test]
async fn token_sent_over_plain_http_ends_its_session() {
    let app = production(&[]).await;
    let tls = over_tls(&app);
    let alice = Actor::sign_up_from(&app, &tls, "alice").await;
    alice.get("/api/v1/me").await.ok(200);
    let other = Actor::sign_in(&tls, &alice.email, &alice.password).await;

    let plain = app.anonymous().request(Method::GET, "/api/v1/me").bearer(&alice.token).send().await;
    plain
        .assert_refused(403, "https_required")
        .assert_events(&["plain_http_refused/", "session_ended/token_over_plain_http"]);
    assert_eq!(
        plain.header("location"),
        None,
        "the service must not redirect, because a redirect would hide that the client uses the wrong URL"
    );

    alice
        .get("/api/v1/me")
        .await
        .assert_refused(401, "unauthenticated")
        .assert_events(&["authn_token_revoked/session_ended"]);
    other.get("/api/v1/me").await.ok(200);
}

/// An eavesdropper can read all credentials of a request, also a refresh token that was already used.
#[actix_web::test]
async fn every_credential_sent_over_plain_http_ends_its_session() {
    let app = production(&[]).await;
    let tls = over_tls(&app);
    let joined = Actor::sign_up_from(&app, &tls, "alice").await;
    let cookie = |actor: &Actor| format!("__Host-refresh={}", actor.cookie);
    let bearer = |actor: &Actor| format!("Bearer {}", actor.token);
    for way in ["cookie", "used cookie", "two cookies", "two tokens", "on a socket"] {
        let (alice, other) =
            (Actor::sign_in(&tls, &joined.email, PASSWORD).await, Actor::sign_in(&tls, &joined.email, PASSWORD).await);
        let plain = |path| app.anonymous().request(Method::GET, path);
        let (request, ended) = match way {
            "cookie" => (plain("/api/v1/me").header("cookie", cookie(&alice)), 1),
            "used cookie" => {
                alice.refresh(&app, &alice.cookie).await.ok(200);
                (plain("/no/such/path").header("cookie", cookie(&alice)), 1)
            }
            "two cookies" => {
                (plain("/api/v1/me").header("cookie", format!("{}; {}", cookie(&alice), cookie(&other))), 2)
            }
            "two tokens" => {
                let request = plain("/api/v1/me").header("authorization", bearer(&alice));
                (request.header("authorization", bearer(&other)), 2)
            }
            _ => (plain("/api/v1/live").header("cookie", cookie(&alice)).header("upgrade", "websocket"), 1),
        };
        let reply = request.send().await;
        reply.assert_refused(403, "https_required");
        let ends = vec!["session_ended/token_over_plain_http".to_owned(); ended];
        assert_eq!(reply.events(), [vec!["plain_http_refused/".to_owned()], ends].concat(), "{way}");
        alice
            .get("/api/v1/me")
            .await
            .assert_refused(401, "unauthenticated")
            .assert_events(&["authn_token_revoked/session_ended"]);
        alice.refresh(&app, &alice.cookie).await.assert_refused(401, "unauthenticated");
        other.get("/api/v1/me").await.ok(if ended == 2 { 401 } else { 200 });
    }
    // A forged credential ends no session, and causes no SQL statement.
    let forged = app.anonymous().request(Method::GET, "/api/v1/me").header("cookie", "__Host-refresh=AAAA.AAAA");
    let forged = forged.bearer("a.b.c").send().await;
    forged.assert_refused(403, "https_required").assert_events(&["plain_http_refused/"]);
    assert_eq!(forged.statements(), Vec::<String>::new());
    joined.get("/api/v1/me").await.ok(200);
}

/// A reset connection has no peer address. Its peer may have been a trusted proxy that received the request over HTTPS.
#[actix_web::test]
async fn plain_request_from_an_unknown_peer_ends_no_session() {
    let app = production(&[]).await;
    let alice = Actor::sign_up_from(&app, &over_tls(&app), "alice").await;
    let (endpoints, unknown) = routes::with_limits(&app.services().settings).unwrap();
    let service = test::init_service(stack::application(app.replica(), &endpoints, &unknown)).await;
    let request = test::TestRequest::get()
        .uri("/api/v1/me")
        .insert_header(("authorization", format!("Bearer {}", alice.token)))
        .insert_header(("x-forwarded-proto", "https"))
        .to_request();
    let reply = test::call_service(&service, request).await;
    assert_eq!(reply.status(), 403);
    let id = reply.headers().get("x-request-id").unwrap().to_str().unwrap();
    assert_eq!(logs::events(id), Vec::<String>::new());
    alice.get("/api/v1/me").await.ok(200);
}

#[actix_web::test]
async fn nothing_is_served_over_plain_http_in_production() {
    let app = production(&[]).await;
    let before = app.digest_all().await;
    for endpoint in strongroom::app::routes::table() {
        let path = endpoint.path.replace("{id}", "x");
        let method = Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap();
        let reply = app.anonymous().request(method, &path).header("x-forwarded-proto", "https").send().await;
        reply.assert_refused(403, "https_required");
        assert!(reply.events().contains(&"malicious_forwarding_header/".to_owned()));
    }
    assert_eq!(app.digest_all().await, before);
}

/// Container health checks may use plain HTTP: from this machine, below `/health/`, and without credentials.
#[actix_web::test]
async fn health_checks_over_plain_http_work_from_loopback_only() {
    let app = production(&[]).await;
    let alice = Actor::sign_up_from(&app, &over_tls(&app), "alice").await;
    let plain = |path: &str| app.anonymous().request(Method::GET, path);
    for path in ["/health/ready", "/health/live"] {
        plain(path).send().await.ok(204).assert_events(&[]);
        plain(path).header("x-forwarded-for", "203.0.113.7").send().await.assert_refused(403, "https_required");
    }
    for path in ["/health", "/health/../api/v1/me", "/healthy", "/api/v1/openapi.json"] {
        plain(path).send().await.assert_refused(403, "https_required").assert_events(&["plain_http_refused/"]);
    }
    let exposed = plain("/health/ready").bearer(&alice.token).send().await;
    exposed
        .assert_refused(403, "https_required")
        .assert_events(&["plain_http_refused/", "session_ended/token_over_plain_http"]);
}

#[actix_web::test]
async fn listed_proxy_must_declare_https() {
    let app = production(&[
        ("STRONGROOM_HTTP_TRUSTED_PROXIES", "127.0.0.1"),
        ("STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY", "true"),
    ])
    .await;
    let by_proxy = |scheme: &'static str| {
        app.anonymous().request(Method::GET, "/.well-known/security.txt").header("x-forwarded-proto", scheme).send()
    };
    by_proxy("https").await.ok(200);
    for scheme in ["http", "HTTPS, http", "https, http", "https,https", ""] {
        by_proxy(scheme).await.assert_refused(403, "https_required");
    }
    app.anonymous()
        .request(Method::GET, "/.well-known/security.txt")
        .send()
        .await
        .assert_refused(403, "https_required");
    let elsewhere = app
        .client_from([127, 0, 0, 2].into())
        .request(Method::GET, "/.well-known/security.txt")
        .header("x-forwarded-proto", "https");
    elsewhere.send().await.assert_refused(403, "https_required");
}

#[actix_web::test]
async fn tls_1_0_and_1_1_are_refused() {
    let app = production(&[]).await;
    let address = app.running.as_ref().unwrap().https.unwrap();
    let authority = CertificateDer::from_pem_file(app.state_dir.join("tls/ca.pem")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]), "{version:?}");
        let suite = session.negotiated_cipher_suite().unwrap().suite();
        assert!(format!("{suite:?}").contains("AES_256"), "{suite:?}");
    }
    // A ClientHello from bytes, because the TLS library of the tests does not support TLS 1.0 and 1.1.
    for minor in [1_u8, 2] {
        let answer = tokio::task::spawn_blocking(move || old_hello(address, minor)).await.unwrap();
        assert!(
            answer.is_empty() || answer[0] == 21,
            "the service sends an alert or nothing, but no ServerHello: {answer:?}"
        );
    }
}

fn old_hello(address: std::net::SocketAddr, minor: u8) -> Vec<u8> {
    use std::io::{Read, Write};
    let mut body = vec![3, minor];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let length = u8::try_from(body.len()).unwrap();
    let mut hello = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    hello.extend(body);
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    stream.write_all(&hello).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[actix_web::test]
async fn new_certificate_is_loaded_without_dropping_connections() {
    let app = production(&[]).await;
    let before = over_tls(&app);
    before.request(Method::GET, "/health/live").send().await.ok(204);
    let folder = app.state_dir.join("tls");
    for file in ["localhost.pem", "localhost.key.pem"] {
        std::fs::remove_file(folder.join(file)).unwrap();
    }
    tls::development_certificate(&folder, Clock::default().now()).unwrap();
    let loaded = async || over_tls(&app).try_get("/health/live").await.is_some();
    wait::until("the new certificate is loaded", loaded).await;
    before.request(Method::GET, "/health/live").send().await.ok(204);
}
