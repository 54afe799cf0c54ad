//! Attacks every row of the route table, so that a new route needs no new test.

use reqwest::Method;
use serde_json::json;
use strongroom::app::routes::{Access, Endpoint, table};
use strongroom::features::kind_of_route;
use strongroom::security::limits::body_limits::BodyLimit;

use crate::support::client::{Client, Request};
use crate::support::form::Form;
use crate::support::operations::{References, operations};
use crate::support::{Actor, TestApp};

fn path(endpoint: &Endpoint) -> String {
    endpoint.path.replace("{id}", &uuid::Uuid::new_v4().to_string())
}

fn request(client: &Client, endpoint: &Endpoint) -> Request {
    client.request(Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap(), &path(endpoint))
}

fn signed_in() -> impl Iterator<Item = Endpoint> {
    table()
        .into_iter()
        .filter(|endpoint| matches!(endpoint.access, Access::SignedIn | Access::Admin | Access::TokenOrCookie))
}

struct Actors {
    alice: Actor,
    root: Actor,
}

impl Actors {
    async fn of(app: &TestApp) -> Self {
        Self { alice: app.user("alice").await, root: app.admin("root").await }
    }

    fn token(&self, endpoint: &Endpoint) -> &str {
        if endpoint.access == Access::Admin { &self.root.token } else { &self.alice.token }
    }
}

#[actix_web::test]
async fn missing_or_malformed_token_gets_the_same_401_on_every_route() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let anonymous = app.anonymous();
    let before = app.digest_all().await;
    for endpoint in signed_in() {
        let plain = request(&anonymous, &endpoint).send().await;
        plain.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/missing"]);
        let with = |name: &str, value: String| request(&anonymous, &endpoint).header(name, value);
        let token = &alice.token;
        let tries = [
            with("authorization", String::new()),
            with("authorization", "Bearer".to_owned()),
            with("authorization", "Bearer ".to_owned()),
            with("authorization", format!("Basic {token}")),
            with("authorization", format!("bEARER x{token}")),
            with("authorization", format!("Bearer {token} {token}")),
            with("authorization", format!("Bearer  {token}")),
            with("authorization", format!("Bearer {token}")).header("authorization", format!("Bearer {token}")),
            with("cookie", format!("access_token={token}; Authorization=Bearer {token}")),
            with("x-access-token", token.clone()),
        ];
        for attempt in tries {
            let reply = attempt.send().await;
            assert_eq!(
                reply.assert_refused(401, "unauthenticated").comparable(),
                plain.comparable(),
                "{}",
                endpoint.path
            );
        }
        let in_query = format!("{}?access_token={token}", path(&endpoint));
        let method = Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap();
        anonymous.request(method, &in_query).send().await.assert_refused(401, "unauthenticated");
    }
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn allowed_origin_does_not_replace_a_token() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    for endpoint in signed_in() {
        let reply = request(&anonymous, &endpoint).header("origin", "http://localhost:8080").send().await;
        reply.assert_refused(401, "unauthenticated");
    }
}

#[actix_web::test]
async fn foreign_origin_is_refused_on_every_route() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    let before = app.digest_all().await;
    for endpoint in table() {
        let request = request(&actors.alice.client, &endpoint).bearer(actors.token(&endpoint));
        let reply = request.header("origin", "https://evil.example").send().await;
        reply.assert_refused(403, "origin_not_allowed").assert_events(&["malicious_cors/origin_not_allowed"]);
    }
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn unknown_id_returns_404_on_every_route() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    for operation in operations().into_iter().filter(|operation| operation.path.contains("{id}")) {
        let actor = if operation.access == Access::Admin { &actors.root } else { &actors.alice };
        let id = uuid::Uuid::new_v4().to_string();
        let attempt = operation.request_by(actor, &id, &References::missing()).header("if-match", "\"1\"");
        attempt.send().await.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
    }
}

#[::core::prelude::v1::test]
fn every_route_with_an_id_names_the_kind_of_its_objects() {
    for endpoint in table().into_iter().filter(|endpoint| endpoint.path.contains("{id}")) {
        assert!(kind_of_route(endpoint.path).is_some(), "kind_of_route does not know {}", endpoint.path);
    }
}

#[actix_web::test]
async fn body_one_byte_too_large_is_refused_before_parsing() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    for endpoint in table() {
        let limit = endpoint.body.bytes();
        // The body is not JSON. If the service parsed it before it checks the size, the status would be 400.
        let reply = request(&actors.alice.client, &endpoint)
            .bearer(actors.token(&endpoint))
            .body("application/json", "x".repeat(limit + 1))
            .send()
            .await;
        reply.assert_refused(413, "payload_too_large").assert_events(&["input_validation_fail/payload_too_large"]);
        // `attacks::files::uploads::transfers` tests the sizes of forms.
        if matches!(endpoint.body, BodyLimit::Json(_)) {
            let fits = request(&actors.alice.client, &endpoint)
                .bearer(actors.token(&endpoint))
                .body("application/json", "x".repeat(limit));
            fits.send().await.assert_refused(400, "not_json");
        }
    }
}

#[actix_web::test]
async fn unknown_field_is_refused_on_every_route_with_a_body() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    let before = app.digest_all().await;
    for endpoint in table().into_iter().filter(|endpoint| endpoint.body != BodyLimit::None) {
        for field in ["isAdmin", "role", "owner_id", "id", "password_hash", "created_at"] {
            let attempt =
                request(&actors.alice.client, &endpoint).bearer(actors.token(&endpoint)).header("if-match", "\"1\"");
            let attempt = match endpoint.body {
                BodyLimit::Form(_) => attempt.form(Form::valid().text(field, "true")),
                _ => attempt.json(&json!({field: true})),
            };
            let reply = attempt.send().await;
            reply.assert_invalid_field(&format!("/{field}")).assert_events(&["input_validation_fail/invalid_input"]);
        }
    }
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn body_other_than_json_in_utf_8_is_refused() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    for endpoint in table().into_iter().filter(|endpoint| matches!(endpoint.body, BodyLimit::Json(_))) {
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/vnd.x+json",
            "application/json; charset=utf-16",
            "application/json; charset=utf-8; charset=utf-16",
            "multipart/form-data; boundary=x",
        ] {
            let reply =
                request(&actors.alice.client, &endpoint).bearer(actors.token(&endpoint)).body(kind, "{}").send().await;
            reply.assert_refused(415, "unsupported_media_type");
        }
        let not_utf_8 = request(&actors.alice.client, &endpoint)
            .bearer(actors.token(&endpoint))
            .body("application/json", b"{\"a\":\"\xff\"}".to_vec());
        not_utf_8.send().await.assert_refused(400, "not_json");
        let deep = "[".repeat(5_000);
        let deep =
            request(&actors.alice.client, &endpoint).bearer(actors.token(&endpoint)).body("application/json", deep);
        assert_eq!(deep.send().await.status.as_u16(), 400);
    }
}

#[actix_web::test]
async fn unexpected_query_is_refused() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    for endpoint in table() {
        let method = Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap();
        let target = format!("{}?callback=x", path(&endpoint));
        let mut attempt = actors.alice.client.request(method, &target).bearer(actors.token(&endpoint));
        if endpoint.access == Access::Cookie {
            attempt = attempt.header("origin", "http://localhost:8080").header("x-strongroom-csrf", "1");
        }
        attempt.send().await.assert_refused(400, "invalid_input");
    }
}

#[actix_web::test]
async fn unsupported_method_returns_405_with_the_allowed_methods() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    let before = app.digest_all().await;
    let endpoints = table();
    for endpoint in &endpoints {
        let supported: Vec<&str> =
            endpoints.iter().filter(|other| other.path == endpoint.path).map(|other| other.method.as_str()).collect();
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND"] {
            let supports_head = method == "HEAD" && supported.contains(&"GET") && endpoint.access != Access::Ticket;
            if supported.contains(&method) || supports_head {
                continue;
            }
            let verb = Method::from_bytes(method.as_bytes()).unwrap();
            let reply = actors
                .alice
                .client
                .request(verb, &path(endpoint))
                .bearer(actors.token(endpoint))
                .header("x-http-method-override", endpoint.method.as_str())
                .send()
                .await;
            assert_eq!(reply.status.as_u16(), 405);
            reply.assert_events(&["authz_fail/method_not_allowed"]);
            if method != "HEAD" {
                reply.assert_refused(405, "method_not_allowed");
            }
            for one in &supported {
                assert!(reply.header("allow").unwrap().contains(one));
            }
        }
    }
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn get_requests_change_nothing() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    actors.alice.invoice().await;
    let before = app.digest_all().await;
    for endpoint in table().into_iter().filter(|endpoint| endpoint.method == actix_web::http::Method::GET) {
        request(&actors.alice.client, &endpoint).bearer(actors.token(&endpoint)).send().await;
    }
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn well_known_paths_of_other_products_return_404() {
    let app = TestApp::start().await;
    let missing = app.anonymous().request(Method::GET, "/no-such-path").send().await;
    missing.assert_refused(404, "not_found");
    for path in [
        "/v0",
        "/api",
        "/api/v0/invoices",
        "/api/v2/invoices",
        "/debug",
        "/actuator",
        "/actuator/env",
        "/swagger",
        "/metrics",
        "/.git/config",
        "/.env",
        "/server-status",
        "/api/v1/me/x.css",
        "/api/v1/me%2f.css",
        "/api/v1//me",
        "/api/v1/me/",
        "/%2e%2e/etc/passwd",
    ] {
        let reply = app.anonymous().request(Method::GET, path).send().await;
        assert_eq!(reply.comparable(), missing.comparable(), "{path}");
    }
}
