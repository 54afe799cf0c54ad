//! The attacker forges a refresh cookie, or sends a valid refresh cookie to other routes.

use reqwest::Method;

use crate::support::TestApp;
use crate::support::actor::refresh;

#[actix_web::test]
async fn forged_refresh_cookie_is_rejected_without_database_access() {
    let app = TestApp::start().await;
    let (alice, gone) = (app.user("alice").await, app.user("gone").await);
    sqlx::query("delete from users where email = $1").bind(&gone.email).execute(&app.all_rows).await.unwrap();
    sqlx::query("delete from sessions where user_id is null").execute(&app.all_rows).await.unwrap();
    let before = app.digest(&["users", "sessions", "refresh_tokens"]).await;
    let unknown = alice.refresh(&app, &gone.cookie).await;
    unknown.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/unknown_refresh_token"]);
    let (left, mac) = alice.cookie.rsplit_once('.').unwrap();
    let (token, user) = left.split_once('.').unwrap();
    let (gone_left, gone_mac) = gone.cookie.rsplit_once('.').unwrap();
    let (_, gone_user) = gone_left.split_once('.').unwrap();
    let zeros = "A".repeat(43);
    for forged in [
        "",
        "x",
        token,
        &alice.token,
        &format!("{token}.{mac}"),
        &format!("{left}.{gone_mac}"),
        &format!("{token}.{gone_user}.{mac}"),
        &format!("{left}.{}", "A".repeat(mac.len())),
        &format!("{zeros}.{user}.{mac}"),
        &format!("{}A", alice.cookie),
        &"A".repeat(4_000),
    ] {
        let reply = alice.refresh(&app, forged).await;
        assert_eq!(reply.comparable(), unknown.comparable(), "{forged}");
        reply.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/forged_refresh_token"]);
        assert_eq!(reply.statements(), Vec::<String>::new(), "{forged}");
    }
    assert_eq!(app.digest(&["users", "sessions", "refresh_tokens"]).await, before);
    // A page of a sub-domain could have set a cookie without the prefix `__Host-`, so the service must ignore it.
    let planted = app
        .anonymous()
        .request(Method::POST, "/api/v1/auth/refresh")
        .header("origin", &app.services().settings.http.public_url)
        .header("x-strongroom-csrf", "1")
        .header("cookie", format!("refresh={}", alice.cookie))
        .send()
        .await;
    planted.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/no_refresh_token"]);
}

/// `attacks::browser::csrf` tests CSRF on the routes that accept the cookie.
#[actix_web::test]
async fn refresh_cookie_alone_does_not_authenticate_other_routes() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let reply = app
        .anonymous()
        .request(Method::GET, "/api/v1/me")
        .header("cookie", format!("__Host-refresh={}", alice.cookie))
        .send()
        .await;
    reply.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/missing"]);
    refresh(&app, &alice.client, &alice.cookie).await.ok(200);
}
