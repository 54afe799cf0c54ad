//! API2:2023: logout by the refresh cookie alone (CWE-613), after the access token has expired. Pages of other sites
//! cannot trigger a logout.

use chrono::TimeDelta;
use reqwest::Method;

use crate::support::client::Request;
use crate::support::{Actor, TestApp};

const LOGOUT: &str = "/api/v1/auth/logout";

/// Returns the logout request that a page of the service would send.
fn by_cookie(app: &TestApp, actor: &Actor) -> Request {
    let own = &app.services().settings.http.public_url;
    with_cookie(actor).header("origin", own).header("x-strongroom-csrf", "1")
}

fn with_cookie(actor: &Actor) -> Request {
    actor.client.request(Method::POST, LOGOUT).header("cookie", format!("__Host-refresh={}", actor.cookie))
}

#[actix_web::test]
async fn refresh_cookie_alone_ends_session_immediately() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let elsewhere = Actor::sign_in(&app.anonymous(), &alice.email, &alice.password).await;
    let reply = by_cookie(&app, &alice).send().await.ok(204);
    reply.assert_events(&["session_ended/logout"]);
    let cleared =
        reply.headers.get_all("set-cookie").iter().any(|line| line.as_bytes().starts_with(b"__Host-refresh=;"));
    assert!(cleared, "the cookie is deleted");
    assert!(reply.header("clear-site-data").is_some());
    alice
        .get("/api/v1/me")
        .await
        .assert_refused(401, "unauthenticated")
        .assert_events(&["authn_token_revoked/session_ended"]);
    alice.refresh(&app, &alice.cookie).await.assert_refused(401, "unauthenticated");
    elsewhere.get("/api/v1/me").await.ok(200);
}

#[actix_web::test]
async fn logout_by_cookie_works_with_expired_access_token() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    app.clock.advance(TimeDelta::minutes(11));
    alice
        .get("/api/v1/me")
        .await
        .assert_refused(401, "unauthenticated")
        .assert_events(&["authn_token_invalid/expired"]);
    by_cookie(&app, &alice).bearer(&alice.token).send().await.ok(204);
    alice.refresh(&app, &alice.cookie).await.assert_refused(401, "unauthenticated");
}

#[actix_web::test]
async fn cross_site_logout_is_rejected() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let own = app.services().settings.http.public_url.clone();
    let before = app.digest(&["sessions", "refresh_tokens"]).await;
    let logout = || with_cookie(&alice);
    for (attempt, code) in [
        (logout(), "cross_site_request"),
        (logout().header("origin", &own), "cross_site_request"),
        (logout().header("x-strongroom-csrf", "1"), "cross_site_request"),
        (logout().header("x-strongroom-csrf", "1").header("origin", "https://evil.example"), "origin_not_allowed"),
        (logout().header("x-strongroom-csrf", "1").header("origin", "null"), "origin_not_allowed"),
    ] {
        let reply = attempt.send().await;
        reply.assert_refused(403, code);
        assert_eq!((reply.header("set-cookie"), reply.events().len()), (None, 1));
        assert!(reply.statements().is_empty(), "the service refuses the logout before any database access");
    }
    assert_eq!(app.digest(&["sessions", "refresh_tokens"]).await, before);
    alice.get("/api/v1/me").await.ok(200);
}

#[actix_web::test]
async fn forged_and_replayed_cookies_are_rejected_at_logout() {
    let app = TestApp::start().await;
    let (alice, mut thief) = (app.user("alice").await, app.user("bob").await);
    thief.cookie = alice.cookie.replace(|c: char| c.is_ascii_digit(), "0");
    let forged = by_cookie(&app, &thief).send().await;
    forged.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/forged_refresh_token"]);
    assert!(forged.statements().is_empty(), "a forged cookie causes no SQL statement");
    alice.get("/api/v1/me").await.ok(200);

    alice.refresh(&app, &alice.cookie).await.ok(200);
    app.clock.advance(TimeDelta::minutes(1));
    let replayed = by_cookie(&app, &alice).send().await;
    replayed.assert_refused(401, "unauthenticated");
    assert!(replayed.events().contains(&"authn_token_reuse/refresh_token".to_owned()), "{:?}", replayed.events());
    alice.get("/api/v1/me").await.assert_refused(401, "unauthenticated");
}
