//! A client cannot choose its trace id. Spans contain no data of clients, and a slow collector delays no request.

use std::net::TcpListener;

use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use reqwest::Method;
use serde_json::json;

use crate::support::collector::{Collector, CollectorBehavior, TracedProgram, attributes};
use crate::support::reply::Reply;
use crate::support::wait;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNRECORDED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asserts status and problem code only. The service runs in another process, whose events the test cannot read.
#[track_caller]
fn assert_refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (status, Some(code)), "{}", reply.text());
}

#[actix_web::test]
async fn traceparent_of_a_client_is_ignored() {
    let collector = Collector::start(CollectorBehavior::Accept);
    let service = TracedProgram::start(collector.address, &[]).await;
    for chosen in [PARENT, UNRECORDED] {
        let reply = service.client().request(Method::GET, "/health/live").header("traceparent", chosen);
        let reply =
            reply.header("tracestate", "vendor=typed-in").header("baggage", "who=typed-in").send().await.ok(204);
        // The flags of `UNRECORDED` ask not to record the request. The service must record it anyway.
        let span = collector.span(&reply.request_id()).await;
        assert_ne!(hex(&span.trace_id), TRACE);
        assert!(span.parent_span_id.is_empty(), "{span:?}");
        assert_eq!(span.trace_state, "");
    }
    assert!(!collector.contains("typed-in"));
}

#[actix_web::test]
async fn traceparent_of_a_trusted_proxy_is_continued_without_baggage() {
    let collector = Collector::start(CollectorBehavior::Accept);
    let service = TracedProgram::start(collector.address, &[("STRONGROOM_HTTP_TRUSTED_PROXIES", "127.0.0.1")]).await;
    let request = || service.client().request(Method::GET, "/health/live").header("baggage", "who=typed-in");
    let reply = request().header("traceparent", PARENT).header("tracestate", "vendor=typed-in").send().await.ok(204);
    let span = collector.span(&reply.request_id()).await;
    assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.to_owned(), "00f067aa0ba902b7".to_owned()));
    for malformed in
        ["typed-in", &PARENT.to_uppercase(), &format!("{PARENT}-typed-in"), &PARENT.replace("00-4", "cc-4")]
    {
        let reply = request().header("traceparent", malformed).send().await.ok(204);
        assert_ne!(hex(&collector.span(&reply.request_id()).await.trace_id), TRACE, "{malformed}");
    }
    let twice = request().header("traceparent", PARENT).header("traceparent", PARENT).send().await.ok(204);
    assert_ne!(hex(&collector.span(&twice.request_id()).await.trace_id), TRACE);
    assert!(!collector.contains("typed-in"));
}

#[actix_web::test]
async fn span_holds_only_method_route_status_and_request_id() {
    let collector = Collector::start(CollectorBehavior::Accept);
    let service = TracedProgram::start(collector.address, &[]).await;
    let client = service.client();
    let password = std::fs::read_to_string(service.state_dir.join("secrets/demo_password_1")).unwrap();
    let sign_in = json!({"email": "anna@demo.example", "password": password});
    let reply = client.request(Method::POST, "/api/v1/auth/login").json(&sign_in).send().await.ok(200);
    let token = reply.json()["access_token"].as_str().unwrap().to_owned();
    let id = uuid::Uuid::new_v4();
    let path = format!("/api/v1/invoices/{id}?typed-in=typed-in");
    let odd = client.request(Method::GET, &path).bearer(&token).header("user-agent", "typed-in").send().await;
    assert_refused(&odd, 400, "invalid_input");
    let profile = client.request(Method::GET, "/api/v1/me").bearer(&token).send().await.ok(200);
    let unknown = client.request(Method::GET, "/typed-in").send().await;
    assert_refused(&unknown, 404, "not_found");

    for (reply, method, route) in [
        (&reply, "POST", "/api/v1/auth/login"),
        (&odd, "GET", "/api/v1/invoices/{id}"),
        (&profile, "GET", "/api/v1/me"),
        (&unknown, "GET", "-"),
    ] {
        let span = collector.span(&reply.request_id()).await;
        assert_eq!(span.name, format!("{method} {route}"));
        let mut found = attributes(&span);
        found.sort();
        let expected = [
            ("http.request.method", format!("{method:?}")),
            ("http.response.status_code", reply.status.as_u16().to_string()),
            ("http.route", format!("{route:?}")),
            ("strongroom.request_id", format!("{:?}", reply.request_id())),
        ];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value)));
        assert!(span.events.is_empty() && span.links.is_empty(), "{span:?}");
    }
    service.database.disconnect().await;
    let failed = client.request(Method::GET, "/api/v1/me").bearer(&token).send().await;
    assert_refused(&failed, 503, "unavailable");
    let error = |span: &Span| span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
    assert!(error(&collector.span(&failed.request_id()).await), "the span of a 5xx has the status error");
    assert!(!error(&collector.span(&odd.request_id()).await), "the span of a 4xx does not have the status error");
    let user = profile.json()["id"].as_str().map(str::to_owned);
    let secret = [Some(id.to_string()), user, Some(token), Some(password), Some("anna@demo.example".to_owned())];
    for text in secret.into_iter().flatten().chain(["typed-in".to_owned(), "127.0.0.1".to_owned()]) {
        assert!(!collector.contains(&text), "{text} left");
    }
}

/// The service gets more requests than the queue of spans can hold. It must answer them, and then shut down.
#[actix_web::test]
async fn unresponsive_collector_delays_no_request() {
    let collector = Collector::start(CollectorBehavior::NeverReply);
    let mut service = TracedProgram::start(collector.address, &[]).await;
    let client = service.client();
    let all = (0..50).map(async |_| {
        for _ in 0..100 {
            client.request(Method::GET, "/health/live").send().await.ok(204);
        }
    });
    futures_util::future::join_all(all).await;
    assert!(collector.requests() > 0, "the service called the collector");
    assert_eq!(service.metrics().await.value("strongroom_trace_spans_total{outcome=\"sent\"}"), 0.0);
    assert!(service.stop(), "shutdown works");
}

#[actix_web::test]
async fn unreachable_collector_only_increments_a_counter() {
    let unreachable = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut service = TracedProgram::start(unreachable, &[]).await;
    service.client().request(Method::GET, "/health/live").send().await.ok(204);
    let lost = async || service.metrics().await.value("strongroom_trace_spans_total{outcome=\"lost\"}") > 0.0;
    wait::until("the loss is counted", lost).await;
    let metrics = service.metrics().await;
    assert_eq!(metrics.value("strongroom_trace_spans_total{outcome=\"sent\"}"), 0.0);
    service.client().request(Method::GET, "/health/ready").send().await.ok(204);
    assert!(service.stop());
}
