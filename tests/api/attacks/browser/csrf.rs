//! CSRF (ASVS 3.5.1): the routes that accept the refresh cookie as a credential (refresh and logout) require an allowed
//! origin and a custom header.

use reqwest::Method;

use crate::support::TestApp;

#[actix_web::test]
async fn cookie_without_listed_origin_and_csrf_header_is_refused() {
    let app = TestApp::with(&[("STRONGROOM_CORS_ALLOWED_ORIGINS", "https://app.example")]).await;
    let alice = app.user("alice").await;
    let before = app.digest(&["sessions", "refresh_tokens"]).await;
    let cookie = format!("__Host-refresh={}", alice.cookie);
    let refresh = || app.anonymous().request(Method::POST, "/api/v1/auth/refresh").header("cookie", &cookie);
    let own = app.services().settings.http.public_url.clone();
    for (attempt, code) in [
        (refresh(), "cross_site_request"),
        (refresh().header("origin", &own), "cross_site_request"),
        (refresh().header("x-strongroom-csrf", "1"), "cross_site_request"),
        (refresh().header("x-strongroom-csrf", "1").header("origin", "https://evil.example"), "origin_not_allowed"),
        (refresh().header("x-strongroom-csrf", "1").header("origin", "null"), "origin_not_allowed"),
        (
            refresh().header("x-strongroom-csrf", "1").header("origin", &own).header("origin", "https://evil.example"),
            "origin_not_allowed",
        ),
    ] {
        let reply = attempt.send().await;
        reply.assert_refused(403, code);
        assert_eq!(reply.header("set-cookie"), None);
        assert_eq!(reply.events().len(), 1);
        assert!(reply.statements().is_empty());
    }
    assert_eq!(app.digest(&["sessions", "refresh_tokens"]).await, before);
    refresh().header("x-strongroom-csrf", "1").header("origin", "https://app.example").send().await.ok(200);
}

#[actix_web::test]
async fn refresh_cookie_is_host_only_http_only_and_strict() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let reply = alice.refresh(&app, &alice.cookie).await.ok(200);
    let line = reply.header("set-cookie").unwrap();
    let mut attributes: Vec<&str> = line.split("; ").skip(1).collect();
    attributes.retain(|attribute| !attribute.starts_with("Max-Age="));
    attributes.sort_unstable();
    assert_eq!(attributes, ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"]);
    assert!(line.starts_with("__Host-refresh=") && line.len() < 4096);
    assert!(!reply.text().contains(line.split(['=', ';']).nth(1).unwrap()), "the refresh token is not in the body");
}
