//! The route that returns the demo users with their passwords (CWE-522). It exists only in development, and answers
//! only requests from pages of the service.

use reqwest::Method;
use strongroom::base::clock::Clock;
use strongroom::config::{Profile, Settings};
use strongroom::features::demo::Demo as DemoUsers;

use crate::support::actor::try_sign_in;
use crate::support::app::settings;
use crate::support::client::Request;
use crate::support::database::TestDatabase;
use crate::support::examples::Demo;
use crate::support::{TestApp, folder};

/// Returns the request that a page of the service would send.
fn ask(app: &TestApp) -> Request {
    let own = &app.services().settings.http.public_url;
    bare(app).header("x-strongroom-csrf", "1").header("origin", own)
}

fn bare(app: &TestApp) -> Request {
    app.anonymous().undocumented().request(Method::POST, "/dev/demo-users")
}

#[actix_web::test]
async fn page_of_the_service_gets_passwords_that_work() {
    let Demo { app, .. } = Demo::start().await;
    let reply = ask(&app).send().await;
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let users = reply.ok(200).json()["items"].clone();
    let users = users.as_array().unwrap();
    assert_eq!(users.len(), 3);
    for user in users {
        let (email, password) = (user["email"].as_str().unwrap(), user["password"].as_str().unwrap());
        try_sign_in(&app.anonymous(), email, password).await.ok(200);
    }
}

#[actix_web::test]
async fn foreign_page_gets_no_password() {
    let Demo { app, .. } = Demo::start().await;
    let own = app.services().settings.http.public_url.clone();
    let with = |origin: &str| bare(&app).header("x-strongroom-csrf", "1").header("origin", origin);
    for (attempt, code) in [
        (bare(&app), "cross_site_request"),
        (bare(&app).header("origin", &own), "cross_site_request"),
        (bare(&app).header("x-strongroom-csrf", "1"), "cross_site_request"),
        (with("https://evil.example"), "origin_not_allowed"),
        (with("null"), "origin_not_allowed"),
        // DNS rebinding: the attacker's host name resolves to this machine.
        (with("http://evil.example:8080").header("host", "evil.example:8080"), "origin_not_allowed"),
    ] {
        let reply = attempt.send().await;
        reply.assert_refused(403, code);
        assert_eq!(reply.events().len(), 1, "{code}");
    }
}

#[actix_web::test]
async fn there_is_nothing_without_demo_data() {
    let app = TestApp::start().await;
    ask(&app).send().await.assert_refused(404, "not_found");
}

/// Production can have demo users too. No route may return their password, which the operator sets.
#[actix_web::test]
async fn route_does_not_exist_in_production() {
    let state_dir = folder::new_path();
    // Production requires HTTPS, so the test sends its request like a trusted proxy that terminates TLS.
    let settings = settings(&state_dir, &[("STRONGROOM_HTTP_TRUSTED_PROXIES", "127.0.0.1")]);
    let production = Settings { profile: Profile::Production, ..settings };
    let app = TestApp::serve(production, None, TestDatabase::create().await, Clock::default(), state_dir);
    app.services().demo_accounts.publish(&DemoUsers { accounts: Vec::new() });
    ask(&app).header("x-forwarded-proto", "https").send().await.assert_refused(404, "not_found");
}
