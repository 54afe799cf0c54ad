//! Metrics (API8): only the operator can read the metrics. They contain no client input, and client input cannot
//! increase the number of metric series.

use futures_util::stream::{self, StreamExt};
use reqwest::Method;
use serde_json::json;
use strongroom::app::tls;
use strongroom::base::clock::Clock;
use strongroom::config::Profile;

use crate::support::app::settings;
use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::folder;
use crate::support::{TestApp, logs};

#[actix_web::test]
async fn public_listener_does_not_serve_metrics() {
    let app = TestApp::start().await;
    let none = app.anonymous().request(Method::GET, "/no-such-path").send().await;
    let metrics = app.anonymous().request(Method::GET, "/metrics").send().await;
    metrics.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
    assert_eq!(metrics.comparable(), none.comparable());
}

#[actix_web::test]
async fn management_port_serves_only_metrics_and_status() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let operator = app.operator();
    operator.request(Method::GET, "/metrics").send().await.ok(200);
    let before = app.digest_all().await;
    let api = strongroom::app::routes::table();
    let api = api.iter().map(|endpoint| (endpoint.method.as_str(), endpoint.path.replace("{id}", "x")));
    assert_eq!(operator.request(Method::GET, "/status").send().await.ok(200).text(), r#"{"status":"ok","reasons":[]}"#);
    let others = ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "HACK"];
    let others = others.iter().flat_map(|method| ["/metrics", "/status"].map(|path| (*method, path.to_owned())));
    let odd = ["/", "/metrics/", "//metrics", "/metrics/..", "/debug/pprof"];
    for (method, path) in api.chain(others).chain(odd.map(|path| ("GET", path.to_owned()))) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let reply = operator.request(method.clone(), &path).bearer(&alice.token).send().await;
        reply.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
    }
    let head = operator.request(Method::HEAD, "/metrics").try_send().await;
    assert_eq!(head, Some(404));
    assert_eq!(app.digest_all().await, before);
}

/// Clients send a thousand unknown paths, methods, headers and ids.
#[actix_web::test]
async fn client_input_creates_no_metric_series() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let client = app.anonymous();
    let abuse = async |number: usize| {
        let word = format!("typed-in-{number}");
        let odd = Method::from_bytes(format!("TYPEDIN{number}").as_bytes()).unwrap();
        let id = uuid::Uuid::new_v4();
        let requests = [
            client.request(Method::GET, &format!("/{word}")),
            client.request(Method::GET, &format!("/api/v1/customers/{word}")),
            client.request(odd.clone(), "/api/v1/customers"),
            client.request(odd, &format!("/{word}\"}} 1")),
            alice.request(Method::GET, &format!("/api/v1/customers/{id}")),
            client.request(Method::POST, "/api/v1/auth/login").json(&json!({"email": word, "password": word})),
        ];
        // Only the first request is fast, so only every tenth call sends all six.
        for request in requests.into_iter().take(if number.is_multiple_of(10) { 6 } else { 1 }) {
            let request =
                request.header("user-agent", &word).header("x-forwarded-for", &word).header("x-request-id", &word);
            let status = request.send().await.status;
            assert!(status.is_client_error(), "{status}");
        }
        id
    };
    // Warm-up: the first response of each kind creates its metric series.
    // The 25 rounds include the 429 that replaces 401 after twenty failed logins.
    for number in 0..25 {
        abuse(number * 10).await;
    }
    // Requests to the management port are not counted, so reading the metrics does not change them.
    let before = app.metrics().await;
    let ids: Vec<_> = stream::iter(1001..=2000).map(&abuse).buffer_unordered(8).collect().await;
    let after = app.metrics().await;
    assert_eq!(after.series(), before.series());
    let user = alice.get("/api/v1/me").await.json()["id"].as_str().unwrap_or("-no-id-").to_owned();
    for text in ["typed", "TYPED", "alice", "127.0.0.1", &user, &ids[0].to_string(), &ids[999].to_string()] {
        assert!(!after.0.contains(text), "{text}");
    }
    let unknown = |metrics: &crate::support::metrics::Metrics| {
        metrics.value("strongroom_http_requests_total{method=\"other\",route=\"unknown\",status=\"404\"}")
    };
    assert_eq!(unknown(&after) - unknown(&before), 1100.0, "all unknown paths are counted in one series");
}

/// DNS rebinding: evil.example now resolves to 127.0.0.1, so its pages can send requests to this port.
#[actix_web::test]
async fn dns_rebinding_to_the_management_port_is_refused() {
    let app = TestApp::start().await;
    let port = app.running.as_ref().unwrap().management.port();
    let ask = async |host: &str| app.operator().request(Method::GET, "/metrics").header("host", host).send().await;
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.7", "0.0.0.0", "[::]"] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            let reply = ask(&host).await;
            reply.assert_refused(403, "origin_not_allowed").assert_events(&["malicious_cors/origin_not_allowed"]);
        }
    }
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        ask(host).await.ok(200);
        let reply = ask(&format!("{host}:{port}")).await.ok(200);
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[actix_web::test]
async fn metrics_beyond_loopback_require_tls_and_the_token() {
    const TOKEN: &str = "k7Qw2Lr9Zt5Xv1Bn8Mc4Hd6Gf3Js0PaYeUiOxTzRq";
    logs::capture();
    let database = TestDatabase::create().await;
    let state_dir = folder::new_path();
    let mut settings = settings(&state_dir, &[("STRONGROOM_MANAGEMENT_TOKEN", TOKEN)]);
    settings.profile = Profile::Production;
    settings.management.bind = "0.0.0.0:0".parse().unwrap();
    let clock = Clock::default();
    let certificate = tls::development_certificate(&state_dir.join("tls"), clock.now()).unwrap();
    let app = TestApp::serve(settings, Some(certificate), database, clock, state_dir);
    let port = app.running.as_ref().unwrap().management.port();

    let plain = Client::from_address(&format!("http://127.0.0.1:{port}"), [127, 0, 0, 1].into());
    assert_eq!(plain.try_get("/metrics").await, None, "the port does not answer plain HTTP");
    let authority = std::fs::read(app.state_dir.join("tls/ca.pem")).unwrap();
    let client = Client::trusting(&format!("https://localhost:{port}"), &authority);
    let ask = || client.request(Method::GET, "/metrics");
    let near = format!("{}r", &TOKEN[..TOKEN.len() - 1]);
    let rejected = [ask(), ask().bearer(""), ask().bearer("x"), ask().bearer(&near), ask().header("x-token", TOKEN)];
    let twice = ask().bearer(TOKEN).bearer(TOKEN);
    for request in rejected.into_iter().chain([twice, client.request(Method::GET, &format!("/metrics?token={TOKEN}"))])
    {
        let reply = request.send().await;
        reply.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/management"]);
    }
    // An unknown path gets the same refusal as a known one.
    let elsewhere = client.request(Method::GET, "/no-such-path").send().await;
    elsewhere.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/management"]);
    let reply = ask().bearer(TOKEN).send().await.ok(200);
    assert!(reply.text().contains("strongroom_build_info"));
    assert!(!logs::contains(TOKEN) && !logs::contains(&near));
}
