//! CORS (API8, ASVS 3.4.2, 3.5.2): pages of other origins send requests, and the service refuses origins that are not
//! allowed.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use crate::support::TestApp;

const LISTED: &str = "https://app.example";

async fn app() -> TestApp {
    TestApp::with(&[("STRONGROOM_CORS_ALLOWED_ORIGINS", LISTED)]).await
}

#[actix_web::test]
async fn listed_origin_gets_cors_headers() {
    let app = app().await;
    let alice = app.user("alice").await;
    let reply = alice.request(Method::GET, "/api/v1/me").header("origin", LISTED).send().await.ok(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some(LISTED));
    assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
    assert!(reply.header("vary").unwrap().to_lowercase().contains("origin"));
    let reply = alice.get("/api/v1/me").await.ok(200);
    assert_eq!(reply.header("access-control-allow-origin"), None);
    // Without CORS headers, the page could not read why it was refused.
    let reply = app.anonymous().request(Method::GET, "/api/v1/me").header("origin", LISTED).send().await;
    assert_eq!(reply.assert_refused(401, "unauthenticated").header("access-control-allow-origin"), Some(LISTED));
}

#[actix_web::test]
async fn unlisted_origin_is_refused_before_the_handler_runs() {
    let app = app().await;
    let alice = app.user("alice").await;
    let before = app.digest_all().await;
    let customer = json!({"name": "Evil", "default_currency": "EUR"});
    for origin in [
        "https://evil.example",
        "null",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil.example",
        "https://evil-app.example",
        "https://sub.app.example",
        "https://APP.example",
        "https://app.example/",
        "https://app.example ",
        "https://app.example, https://evil.example",
        "https://\u{430}pp.example",
        "https://app.example\u{0}",
        "*",
        "",
    ] {
        let Ok(value) = reqwest::header::HeaderValue::from_bytes(origin.as_bytes()) else { continue };
        // HTTP parsers remove the trailing space, so this value is the listed origin.
        if origin.trim_end() == LISTED {
            continue;
        }
        let write = alice
            .request(Method::POST, "/api/v1/customers")
            .header("origin", value.as_bytes())
            .json(&customer)
            .send()
            .await;
        write.assert_refused(403, "origin_not_allowed").assert_events(&["malicious_cors/origin_not_allowed"]);
        assert_eq!(write.header("access-control-allow-origin"), None, "{origin}");
        assert!(write.statements().is_empty(), "{origin}: the service must refuse before any database query");
    }
    let two = alice
        .request(Method::POST, "/api/v1/customers")
        .header("origin", LISTED)
        .header("origin", "https://evil.example");
    two.json(&customer).send().await.assert_refused(403, "origin_not_allowed");
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn preflight_succeeds_for_listed_origins_only() {
    let app = app().await;
    let preflight = |origin: &str, method: &str| {
        app.anonymous()
            .request(Method::OPTIONS, "/api/v1/invoices")
            .header("origin", origin)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "authorization, content-type, if-match")
            .send()
    };
    let yes = preflight(LISTED, "PUT").await.ok(200);
    assert_eq!(yes.header("access-control-allow-origin"), Some(LISTED));
    preflight("https://evil.example", "PUT").await.assert_refused(403, "origin_not_allowed");
    preflight(LISTED, "TRACE").await.assert_refused(403, "origin_not_allowed");
    for path in ["/", "/health/live", "/api/v1/auth/login"] {
        let reply = app.anonymous().request(Method::GET, path).header("origin", LISTED).send().await;
        assert_ne!(reply.header("access-control-allow-origin"), Some("*"));
    }
}

/// Each worker thread has its own hash sets, perhaps in another order. Many connections reach all threads.
#[actix_web::test]
async fn every_worker_sends_the_cors_lists_in_the_same_order() {
    let settings = [("STRONGROOM_CORS_ALLOWED_ORIGINS", LISTED), ("STRONGROOM_HTTP_WORKERS", "4")];
    let app = TestApp::with(&settings).await;
    let mut replies = BTreeSet::new();
    for _ in 0..16 {
        let reply = app.anonymous().request(Method::GET, "/health/live").header("origin", LISTED).send().await.ok(204);
        let preflight = app.anonymous().request(Method::OPTIONS, "/api/v1/invoices").header("origin", LISTED);
        let preflight = preflight.header("access-control-request-method", "PUT").send().await.ok(200);
        let lists = [
            reply.header("access-control-expose-headers"),
            preflight.header("access-control-allow-methods"),
            preflight.header("access-control-allow-headers"),
        ];
        replies.insert(lists.map(|list| list.unwrap().to_owned()));
    }
    assert_eq!(replies.len(), 1, "{replies:#?}");
}

#[actix_web::test]
async fn request_without_origin_still_needs_a_token() {
    let app = app().await;
    let alice = app.user("alice").await;
    alice.get("/api/v1/me").await.ok(200);
    app.anonymous().request(Method::GET, "/api/v1/me").send().await.assert_refused(401, "unauthenticated");
}

/// A page must be able to send range headers and to read the response headers.
#[actix_web::test]
async fn page_of_a_listed_origin_can_resume_a_download() {
    let app = app().await;
    let alice = app.user("alice").await;
    let path = format!("/api/v1/documents/{}/content", alice.document().await);
    for method in ["GET", "HEAD"] {
        let preflight = app.anonymous().request(Method::OPTIONS, &path).header("origin", LISTED);
        let wanted = "authorization,if-none-match,if-range,range";
        let preflight =
            preflight.header("access-control-request-method", method).header("access-control-request-headers", wanted);
        preflight.send().await.ok(200);
    }
    let part = alice.request(Method::GET, &path).header("origin", LISTED).header("range", "bytes=0-7");
    let part = part.send().await.ok(206);
    let readable = part.header("access-control-expose-headers").unwrap().to_lowercase();
    for name in ["accept-ranges", "content-disposition", "content-range", "etag"] {
        assert!(part.header(name).is_some() && readable.contains(name), "{name} of {readable}");
    }
    let other = app.anonymous().request(Method::OPTIONS, &path).header("origin", LISTED);
    let other =
        other.header("access-control-request-method", "GET").header("access-control-request-headers", "x-other");
    other.send().await.assert_refused(403, "origin_not_allowed");
}
