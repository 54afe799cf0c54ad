//! Every row of the route table, attacked: a row that is added tomorrow is attacked tomorrow.

use reqwest::Method;
use serde_json::json;
use strongroom::app::routes::{Access, Endpoint, table};
use strongroom::security::limits::body_limits::BodyLimit;

use crate::support::actor::body_for;
use crate::support::client::{Client, Request};
use crate::support::form::Form;
use crate::support::{Actor, TestApp};

/// A path that a request can be sent to.
fn path(endpoint: &Endpoint) -> String {
    endpoint.path.replace("{id}", &uuid::Uuid::new_v4().to_string())
}

fn request(client: &Client, endpoint: &Endpoint) -> Request {
    client.request(Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap(), &path(endpoint))
}

/// Those that ask for a token.
fn signed_in() -> impl Iterator<Item = Endpoint> {
    table()
        .into_iter()
        .filter(|endpoint| matches!(endpoint.access, Access::SignedIn | Access::Admin | Access::TokenOrCookie))
}

/// An ordinary user and an administrator.
struct Actors {
    alice: Actor,
    root: Actor,
}

impl Actors {
    async fn of(app: &TestApp) -> Self {
        Self { alice: app.user("alice").await, root: app.admin("root").await }
    }

    /// The token of the one who may call this.
    fn token(&self, endpoint: &Endpoint) -> &str {
        if endpoint.access == Access::Admin { &self.root.token } else { &self.alice.token }
    }
}

#[actix_web::test]
async fn without_a_valid_token_every_signed_in_route_refuses_alike() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let nobody = app.anybody();
    let before = app.everything().await;
    for endpoint in signed_in() {
        let plain = request(&nobody, &endpoint).send().await;
        plain.refused(401, "unauthenticated").left(&["authn_token_invalid/missing"]);
        let with = |name: &str, value: String| request(&nobody, &endpoint).header(name, value);
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
            assert_eq!(reply.refused(401, "unauthenticated").alike(), plain.alike(), "{}", endpoint.path);
        }
        let in_query = format!("{}?access_token={token}", path(&endpoint));
        let method = Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap();
        nobody.request(method, &in_query).send().await.refused(401, "unauthenticated");
    }
    assert_eq!(app.everything().await, before);
}

#[actix_web::test]
async fn a_listed_origin_without_a_token_is_still_nobody() {
    let app = TestApp::start().await;
    let nobody = app.anybody();
    for endpoint in signed_in() {
        let reply = request(&nobody, &endpoint).header("origin", "http://localhost:8080").send().await;
        reply.refused(401, "unauthenticated");
    }
}

#[actix_web::test]
async fn an_object_that_is_not_there_is_not_found_on_every_route() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    for endpoint in signed_in().filter(|endpoint| endpoint.path.contains("{id}")) {
        let mut attempt =
            request(&actors.alice.client, &endpoint).bearer(actors.token(&endpoint)).header("if-match", "\"1\"");
        if endpoint.body != BodyLimit::None {
            attempt = attempt.json(&body_for(endpoint.path));
        }
        attempt.send().await.refused(404, "not_found").left(&["authz_fail/not_found"]);
    }
}

#[actix_web::test]
async fn a_body_one_byte_too_large_is_refused_before_it_is_parsed() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    for endpoint in table() {
        let limit = endpoint.body.bytes();
        // Not JSON at all: parsing it would be a 400.
        let reply = request(&actors.alice.client, &endpoint)
            .bearer(actors.token(&endpoint))
            .body("application/json", "x".repeat(limit + 1))
            .send()
            .await;
        reply.refused(413, "payload_too_large").left(&["input_validation_fail/payload_too_large"]);
        // A form of just so many bytes: attacks::files::uploads::transfers.
        if matches!(endpoint.body, BodyLimit::Json(_)) {
            let fits = request(&actors.alice.client, &endpoint)
                .bearer(actors.token(&endpoint))
                .body("application/json", "x".repeat(limit));
            fits.send().await.refused(400, "not_json");
        }
    }
}

#[actix_web::test]
async fn an_unknown_field_is_refused_on_every_route_that_takes_a_body() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    let before = app.everything().await;
    for endpoint in table().into_iter().filter(|endpoint| endpoint.body != BodyLimit::None) {
        for field in ["isAdmin", "role", "owner_id", "id", "password_hash", "created_at"] {
            let attempt =
                request(&actors.alice.client, &endpoint).bearer(actors.token(&endpoint)).header("if-match", "\"1\"");
            let attempt = match endpoint.body {
                BodyLimit::Form(_) => attempt.form(Form::sound().text(field, "true")),
                _ => attempt.json(&json!({field: true})),
            };
            let reply = attempt.send().await;
            reply.refused_field(&format!("/{field}")).left(&["input_validation_fail/invalid_input"]);
        }
    }
    assert_eq!(app.everything().await, before);
}

#[actix_web::test]
async fn only_json_in_utf_8_is_a_body() {
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
            reply.refused(415, "unsupported_media_type");
        }
        let not_utf_8 = request(&actors.alice.client, &endpoint)
            .bearer(actors.token(&endpoint))
            .body("application/json", b"{\"a\":\"\xff\"}".to_vec());
        not_utf_8.send().await.refused(400, "not_json");
        let deep = "[".repeat(5_000);
        let deep =
            request(&actors.alice.client, &endpoint).bearer(actors.token(&endpoint)).body("application/json", deep);
        assert_eq!(deep.send().await.status.as_u16(), 400);
    }
}

#[actix_web::test]
async fn a_query_that_nobody_reads_is_refused() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    for endpoint in table() {
        let method = Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap();
        let target = format!("{}?callback=x", path(&endpoint));
        let mut attempt = actors.alice.client.request(method, &target).bearer(actors.token(&endpoint));
        if endpoint.access == Access::Cookie {
            attempt = attempt.header("origin", "http://localhost:8080").header("x-strongroom-csrf", "1");
        }
        attempt.send().await.refused(400, "invalid_input");
    }
}

#[actix_web::test]
async fn other_methods_are_refused_with_the_ones_that_exist() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    let before = app.everything().await;
    let endpoints = table();
    for endpoint in &endpoints {
        let taken: Vec<&str> =
            endpoints.iter().filter(|other| other.path == endpoint.path).map(|other| other.method.as_str()).collect();
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND"] {
            let answers_head = method == "HEAD" && taken.contains(&"GET") && endpoint.access != Access::Ticket;
            if taken.contains(&method) || answers_head {
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
            reply.left(&["authz_fail/method_not_allowed"]);
            if method != "HEAD" {
                reply.refused(405, "method_not_allowed");
            }
            for one in &taken {
                assert!(reply.header("allow").unwrap().contains(one));
            }
        }
    }
    assert_eq!(app.everything().await, before);
}

#[actix_web::test]
async fn reading_changes_nothing() {
    let app = TestApp::start().await;
    let actors = Actors::of(&app).await;
    actors.alice.invoice().await;
    let before = app.everything().await;
    for endpoint in table().into_iter().filter(|endpoint| endpoint.method == actix_web::http::Method::GET) {
        request(&actors.alice.client, &endpoint).bearer(actors.token(&endpoint)).send().await;
    }
    assert_eq!(app.everything().await, before);
}

#[actix_web::test]
async fn paths_that_others_have_do_not_exist_here() {
    let app = TestApp::start().await;
    let missing = app.anybody().request(Method::GET, "/no-such-path").send().await;
    missing.refused(404, "not_found");
    for path in [
        "/",
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
        let reply = app.anybody().request(Method::GET, path).send().await;
        assert_eq!(reply.alike(), missing.alike(), "{path}");
    }
}
