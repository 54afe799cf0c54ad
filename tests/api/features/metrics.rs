//! Metrics: the numbers must match the requests, events, mails and connections that the test causes.

use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use strongroom::app::{routes, server};
use strongroom::base::clock::Clock;
use strongroom::http::error::ApiError;
use strongroom::telemetry::metrics::STATUSES;

use crate::contract::monitoring;
use crate::support::app::settings;
use crate::support::database::{Role, TestDatabase};
use crate::support::folder;
use crate::support::socket::Socket;
use crate::support::{TestApp, wait};

#[actix_web::test]
async fn requests_and_refusals_are_counted_by_route_status_and_code() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = app.metrics().await;
    for _ in 0..3 {
        alice.get("/api/v1/customers").await.ok(200);
    }
    alice.get(&format!("/api/v1/customers/{}", uuid::Uuid::new_v4())).await.assert_refused(404, "not_found");
    app.anonymous().request(Method::PUT, "/api/v1/customers").send().await.assert_refused(405, "method_not_allowed");
    app.anonymous().request(Method::GET, "/api/v1/customers").send().await.assert_refused(401, "unauthenticated");
    let from = app.anonymous().request(Method::GET, "/health/live").header("origin", "https://evil.example");
    from.send().await.assert_refused(403, "origin_not_allowed");

    let after = app.metrics().await;
    let grown = |series: &str| after.value(series) - before.find(series).unwrap_or(0.0);
    let requests = |labels: &str| grown(&format!("strongroom_http_requests_total{{{labels}}}"));
    assert_eq!(requests("method=\"GET\",route=\"/api/v1/customers\",status=\"200\""), 3.0);
    assert_eq!(requests("method=\"GET\",route=\"/api/v1/customers\",status=\"401\""), 1.0);
    assert_eq!(requests("method=\"other\",route=\"/api/v1/customers\",status=\"405\""), 1.0);
    assert_eq!(requests("method=\"GET\",route=\"/api/v1/customers/{id}\",status=\"404\""), 1.0);
    assert_eq!(
        requests("method=\"GET\",route=\"/health/live\",status=\"403\""),
        1.0,
        "refusals by middleware must be counted too"
    );
    for code in ["not_found", "method_not_allowed", "unauthenticated", "origin_not_allowed"] {
        assert_eq!(grown(&format!("strongroom_http_refusals_total{{code=\"{code}\"}}")), 1.0, "{code}");
    }
    let durations = "strongroom_http_request_duration_seconds";
    let labels = "method=\"GET\",route=\"/api/v1/customers\"";
    assert_eq!(grown(&format!("{durations}_count{{{labels}}}")), 4.0);
    assert_eq!(after.value(&format!("{durations}_bucket{{le=\"+Inf\",{labels}}}")), 4.0);
    assert!(grown(&format!("{durations}_sum{{{labels}}}")) > 0.0);
    assert_eq!(after.value("strongroom_http_requests_running"), 0.0);
}

#[actix_web::test]
async fn head_requests_are_counted_apart_from_get() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = app.metrics().await;
    alice.request(Method::HEAD, "/api/v1/customers").send().await.ok(200);
    alice.request(Method::HEAD, "/api/v1/live").send().await.ok(405);
    let after = app.metrics().await;
    let requests = |labels: &str| {
        let series = format!("strongroom_http_requests_total{{{labels}}}");
        after.find(&series).unwrap_or(0.0) - before.find(&series).unwrap_or(0.0)
    };
    assert_eq!(requests("method=\"HEAD\",route=\"/api/v1/customers\",status=\"200\""), 1.0);
    assert_eq!(requests("method=\"GET\",route=\"/api/v1/customers\",status=\"200\""), 0.0);
    assert_eq!(
        requests("method=\"other\",route=\"/api/v1/live\",status=\"405\""),
        1.0,
        "the route of the WebSocket refuses HEAD"
    );
}

/// A status or a code without its own label would count as `other`.
#[actix_web::test]
async fn every_status_and_problem_code_has_a_label() {
    let statuses: Vec<u16> = STATUSES.iter().map(|(status, _)| *status).collect();
    for error in ApiError::one_of_each() {
        assert!(statuses.contains(&error.public().status.as_u16()), "{}", error.public().code);
    }
    assert!(STATUSES.iter().all(|(status, name)| status.to_string() == *name));
    let app = TestApp::start().await;
    let metrics = app.metrics().await;
    let document = app.anonymous().request(Method::GET, "/api/v1/openapi.json").send().await.ok(200).json();
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            for status in operation["responses"].as_object().into_iter().flat_map(|responses| responses.keys()) {
                assert!(statuses.contains(&status.parse().unwrap()), "{status}");
            }
        }
    }
    let explained = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/problems.md")).unwrap();
    for code in explained.lines().filter_map(|line| line.strip_prefix("## ")) {
        metrics.value(&format!("strongroom_http_refusals_total{{code=\"{code}\"}}"));
    }
    for (method, path) in routes::methods_and_paths() {
        assert_ne!(method, "other", "{path}");
    }
}

#[actix_web::test]
async fn background_work_has_metrics() {
    // The token bucket of an address needs 36 seconds to refill. Until then, the limiter stores the address, so the
    // metric `strongroom_limiter_keys` counts it.
    let app = TestApp::with(&[("STRONGROOM_LIMITS_REGISTRATION", "100/1h")]).await;
    let alice = app.user("alice").await;
    let hashes = app.services().credentials.passwords.hashes();
    let socket = Socket::connect(&app, &alice).await;
    let metrics = app.metrics().await;
    assert_eq!(metrics.value("strongroom_password_hashes_total"), hashes as f64);
    assert_eq!(metrics.value("strongroom_password_hashes_waiting"), 0.0);
    assert_eq!(metrics.value("strongroom_live_sockets"), 1.0);
    assert_eq!(metrics.value("strongroom_announcements_heard"), 1.0);
    assert_eq!(metrics.value("strongroom_database_up"), 1.0);
    assert_eq!(metrics.value("strongroom_database_connections_max"), 16.0);
    assert!(metrics.value("strongroom_database_connections{state=\"idle\"}") >= 1.0);
    assert_eq!(metrics.value("strongroom_mail_outbox{state=\"waiting\"}"), 0.0);
    assert!(metrics.value("strongroom_limiter_keys{tier=\"registration\"}") >= 2.0);
    assert_eq!(metrics.value("strongroom_limiter_keys{tier=\"export\"}"), 0.0);
    for worker in [
        "announcements",
        "revocations",
        "live",
        "mail",
        "alerts",
        "blob_deletion",
        "event_writer",
        "hash_chain",
        "sweeper",
    ] {
        assert_eq!(metrics.value(&format!("strongroom_worker_running{{worker=\"{worker}\"}}")), 1.0, "{worker}");
        assert_eq!(metrics.value(&format!("strongroom_worker_restarts_total{{worker=\"{worker}\"}}")), 0.0, "{worker}");
    }
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(metrics.value(&format!("strongroom_build_info{{version=\"{version}\"}}")), 1.0);
    assert!(metrics.value("strongroom_start_time_seconds") > 1.7e9);
    drop(socket);
}

#[actix_web::test]
async fn mail_outbox_is_measured_and_omitted_without_a_database() {
    let app = TestApp::start().await;
    for (kind, given_up, minutes) in [("given_up", "now()", 90), ("waiting", "null", 30), ("waiting", "null", 1)] {
        let sql = format!(
            "insert into outbox (id, queue, kind, recipient, subject_id, created_at, next_attempt_at, given_up_at)
             values (gen_random_uuid(), 'mail', 'password_changed', '{kind}@example.com', gen_random_uuid(),
                     now() - interval '{minutes} minutes', now() + interval '1 hour', {given_up})"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&app.all_rows).await.unwrap();
    }
    let metrics = app.metrics().await;
    assert_eq!(metrics.value("strongroom_mail_outbox{state=\"waiting\"}"), 2.0);
    assert_eq!(metrics.value("strongroom_mail_outbox{state=\"given_up\"}"), 1.0);
    let oldest = metrics.value("strongroom_mail_outbox_oldest_seconds");
    assert!((1800.0..2400.0).contains(&oldest), "{oldest}");

    app.database.disconnect().await;
    // The service caches the values for a second, so repeat the request.
    wait::until_equal(0.0, async || app.metrics().await.value("strongroom_database_up")).await;
    let metrics = app.metrics().await;
    assert_eq!(metrics.find("strongroom_mail_outbox{state=\"waiting\"}"), None);
    app.database.restore().await;
}

#[actix_web::test]
async fn refused_hashes_are_counted() {
    let app =
        TestApp::with(&[("STRONGROOM_PASSWORD_HASH_SLOTS", "1"), ("STRONGROOM_PASSWORD_MAX_WAIT_SECONDS", "1")]).await;
    let body = json!({"email": "unknown@example.com", "password": "correct horse battery 9"});
    // One hash runs, and 64 requests wait. The service refuses all others, and each one that waits for over a second.
    let replies = join_all((1..=120_u8).map(|host| {
        let client = app.client_from([127, 0, 1, host].into());
        let body = body.clone();
        async move { client.request(Method::POST, "/api/v1/auth/login").json(&body).send().await.status.as_u16() }
    }))
    .await;
    let refused = replies.iter().filter(|status| **status == 503).count();
    assert!(refused > 0, "{replies:?}");
    assert_eq!(app.metrics().await.value("strongroom_password_hashes_refused_total"), refused as f64);
}

#[actix_web::test]
async fn occupied_management_port_is_reported_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let state_dir = folder::new_path();
    let settings = settings(&state_dir, &[("STRONGROOM_MANAGEMENT_BIND", &address)]);
    let database = TestDatabase::create().await;
    let start = server::start(Arc::new(settings), database.options(Role::App), None, Clock::default());
    let message = start.err().expect("the service must not start").to_string();
    assert!(message.contains(&address) && message.contains("stop the program that uses this address"), "{message}");
    assert!(message.contains("STRONGROOM_MANAGEMENT_BIND") && message.lines().count() == 1, "{message}");
    std::fs::remove_dir_all(&state_dir).unwrap();
}

/// An unknown metric would cause no error, but the dashboard would show nothing, and the alert would never fire.
#[actix_web::test]
async fn dashboard_and_alerts_use_existing_metrics() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.get("/api/v1/customers").await.ok(200);
    let metrics = app.metrics().await;
    let known = metrics.names();
    for (place, query) in monitoring::queries() {
        let names = monitoring::metrics_in(&query);
        assert!(!names.is_empty(), "{place}: {query}");
        for name in names {
            // The service exports this metric only if it sends traces.
            let known = known.contains(name.as_str()) || name == "strongroom_trace_spans_total";
            assert!(known, "{place} uses {name}, which is not exported");
        }
    }
}
