//! Rate limits (API4): floods from one address or as one user, behind a shared NAT, or with forged client addresses.

use reqwest::Method;
use strongroom::app::routes::{self, Access};
use strongroom::security::limits::rate_limits::{Tier, VERIFIED_SHARE};

use crate::support::actor::{refresh, refresh_cookie, try_sign_in};
use crate::support::{Reply, TestApp};

/// The first `within` requests must get 401 or 403, and the next twenty 429. No request may cause an SQL query.
async fn exhaust(within: usize, request: impl AsyncFn(usize) -> Reply) {
    for sent in 0..within + 20 {
        let reply = request(sent).await;
        match reply.status.as_u16() {
            401 | 403 => assert!(sent < within, "request {sent} is beyond the budget"),
            _ => {
                assert!(sent >= within, "request {sent} is within the budget");
                reply
                    .assert_refused(429, "too_many_requests")
                    .assert_events(&["excess_rate_limit_exceeded/too_many_requests"]);
                assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
            }
        }
        assert_eq!(reply.statements(), Vec::<String>::new(), "a request without a valid token causes no query");
    }
}

/// The attacker shares a NAT with users, and sends no credentials or forged ones.
#[actix_web::test]
async fn anonymous_flood_does_not_exhaust_the_budget_of_users_behind_the_same_address() {
    let app = TestApp::with(&[
        ("STRONGROOM_LIMITS_STANDARD", "200/24h"),
        ("STRONGROOM_LIMITS_WRITE", "100/24h"),
        ("STRONGROOM_LIMITS_REFRESH", "120/24h"),
    ])
    .await;
    let alice = app.user("alice").await;
    let attacker = app.anonymous();
    let call = async |method: &Method, path: &str, sent: usize| {
        let request = attacker.request(method.clone(), path);
        match sent % 2 {
            0 => request.send().await,
            _ => request.bearer(&format!("{}x", alice.token)).send().await,
        }
    };
    exhaust(200, async |sent| call(&Method::GET, "/api/v1/me", sent).await).await;
    exhaust(200, async |sent| call(&Method::GET, "/api/v1/customers", sent).await).await;
    exhaust(100, async |sent| call(&Method::POST, "/api/v1/customers", sent).await).await;
    exhaust(120, async |sent| match sent % 2 {
        0 => call(&Method::POST, "/api/v1/auth/refresh", sent).await,
        _ => refresh(&app, &attacker, &format!("{}x", alice.cookie)).await,
    })
    .await;
    for _ in 0..220 {
        attacker.request(Method::GET, "/health/ready").send().await.ok(204);
    }

    alice.get("/api/v1/me").await.ok(200);
    alice.get("/api/v1/customers").await.ok(200);
    alice.customer().await;
    alice.refresh(&app, &alice.cookie).await.ok(200);
    attacker.request(Method::GET, "/health/ready").send().await.ok(204);
    attacker.request(Method::GET, "/health/live").send().await.ok(204);
}

#[actix_web::test]
async fn token_of_an_ended_session_is_charged_to_the_address() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS_STANDARD", "3/1h")]).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    alice.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
    for _ in 0..3 {
        alice
            .get("/api/v1/me")
            .await
            .assert_refused(401, "unauthenticated")
            .assert_events(&["authn_token_revoked/session_ended"]);
    }
    let limited = alice.get("/api/v1/me").await;
    limited.assert_refused(429, "too_many_requests").assert_events(&["excess_rate_limit_exceeded/too_many_requests"]);
    bob.get("/api/v1/me").await.ok(200);
}

/// A revoked refresh cookie still has a valid MAC, so the service knows its user without a query. Over the user's
/// budget, it must cause no query.
#[actix_web::test]
async fn revoked_refresh_token_is_charged_to_its_user() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS_REFRESH", "3/1h")]).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    alice.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
    for _ in 0..3 {
        alice.refresh(&app, &alice.cookie).await.assert_refused(401, "unauthenticated");
    }
    let limited = alice.refresh(&app, &alice.cookie).await;
    limited.assert_refused(429, "too_many_requests").assert_events(&["excess_rate_limit_exceeded/too_many_requests"]);
    assert_eq!(limited.statements(), Vec::<String>::new());
    bob.refresh(&app, &bob.cookie).await.ok(200);
}

/// The user sends more refreshes than the address's budget for verified callers allows.
#[actix_web::test]
async fn user_who_refreshes_too_often_does_not_exhaust_the_budget_of_the_address() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS_REFRESH", "4/24h")]).await;
    let (mallory, alice) = (app.user("mallory").await, app.user("alice").await);
    let second = try_sign_in(&mallory.client, &mallory.email, &mallory.password).await;
    let mut cookies = [mallory.cookie.clone(), refresh_cookie(&second.ok(200)).unwrap()];
    for sent in 0..4 * VERIFIED_SHARE + 20 {
        cookies.swap(0, 1);
        let [cookie, _] = &mut cookies;
        let reply = mallory.refresh(&app, cookie).await;
        if sent < 4 {
            *cookie = refresh_cookie(&reply.ok(200)).unwrap();
        } else {
            reply
                .assert_refused(429, "too_many_requests")
                .assert_events(&["excess_rate_limit_exceeded/too_many_requests"]);
            assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
            assert_eq!(reply.statements(), Vec::<String>::new());
        }
    }
    alice.refresh(&app, &alice.cookie).await.ok(200);
}

#[actix_web::test]
async fn user_over_their_budget_does_not_exhaust_the_budget_of_the_address() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS_STANDARD", "6/1h")]).await;
    let (mallory, alice) = (app.user("mallory").await, app.user("alice").await);
    // Mallory sends more requests than the shared budget of the address allows.
    for sent in 0..6 * VERIFIED_SHARE + 20 {
        let reply = mallory.get("/api/v1/me").await;
        if sent < 6 {
            reply.ok(200);
        } else {
            reply.assert_refused(429, "too_many_requests");
        }
    }
    for _ in 0..6 {
        alice.get("/api/v1/me").await.ok(200);
    }
    alice.get("/api/v1/me").await.assert_refused(429, "too_many_requests");
    // Requests without a token have their own budget.
    app.anonymous().request(Method::GET, "/api/v1/me").send().await.assert_refused(401, "unauthenticated");
}

#[actix_web::test]
async fn user_has_one_budget_from_all_addresses() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS_STANDARD", "6/1h")]).await;
    let alice = app.user("alice").await;
    let read = async |host: u8| {
        let client = app.client_from([127, 0, 1, host].into());
        client.request(Method::GET, "/api/v1/me").bearer(&alice.token).send().await
    };
    for host in 1..=6 {
        read(host).await.ok(200);
    }
    read(7).await.assert_refused(429, "too_many_requests");
}

/// An address has a small budget for anonymous requests, and a larger one for verified callers. A WebSocket handshake
/// contains no token, but counts as verified.
#[actix_web::test]
async fn verified_callers_of_one_address_share_a_larger_budget() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS_STANDARD", "1/1h")]).await;
    let handshake = async || app.anonymous().request(Method::GET, "/api/v1/live").send().await;
    for _ in 0..VERIFIED_SHARE {
        handshake().await.assert_refused(426, "upgrade_required");
    }
    handshake().await.assert_refused(429, "too_many_requests");
    app.client_from([127, 0, 0, 9].into())
        .request(Method::GET, "/api/v1/live")
        .send()
        .await
        .assert_refused(426, "upgrade_required");
}

/// The refused requests of a user who is no administrator use up the user's budget.
#[actix_web::test]
async fn user_without_the_role_is_limited_before_the_database_is_queried() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS_STANDARD", "3/1h")]).await;
    let alice = app.user("alice").await;
    for _ in 0..3 {
        alice.get("/api/v1/admin/users").await.assert_refused(403, "forbidden");
    }
    let limited = alice.get("/api/v1/admin/users").await;
    limited.assert_refused(429, "too_many_requests");
    assert_eq!(limited.statements(), Vec::<String>::new());
}

#[actix_web::test]
async fn refusal_has_retry_after_and_no_other_hint() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS_STANDARD", "5/1h")]).await;
    let client = app.anonymous();
    for _ in 0..5 {
        client.request(Method::GET, "/problems").send().await.ok(200);
    }
    let reply = client.request(Method::GET, "/problems").send().await;
    reply.assert_refused(429, "too_many_requests").assert_events(&["excess_rate_limit_exceeded/too_many_requests"]);
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=720).contains(&wait), "5 requests per hour are one request every 12 minutes: {wait}");
    assert_eq!(reply.json().get("errors"), None, "the reply contains no hint other than Retry-After");
    // Other routes and addresses have their own token buckets.
    client.request(Method::GET, "/api/v1/openapi.json").send().await.ok(200);
    app.client_from([127, 0, 0, 9].into()).request(Method::GET, "/problems").send().await.ok(200);
}

#[actix_web::test]
async fn forwarding_headers_of_an_unlisted_peer_are_ignored() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS_UNKNOWN_PATH", "5/1h")]).await;
    let mut refused = 0;
    for n in 0..50 {
        let fake = format!("198.51.100.{n}");
        let reply = app
            .anonymous()
            .request(Method::GET, "/nothing")
            .header("x-forwarded-for", &fake)
            .header("forwarded", format!("for={fake}"))
            .header("x-real-ip", &fake)
            .send()
            .await;
        refused += u32::from(reply.status.as_u16() == 429);
        assert!(reply.events().contains(&"malicious_forwarding_header/".to_owned()));
    }
    assert_eq!(refused, 45);
}

#[actix_web::test]
async fn listed_proxy_determines_the_client_address() {
    let app =
        TestApp::with(&[("STRONGROOM_LIMITS_UNKNOWN_PATH", "2/1h"), ("STRONGROOM_HTTP_TRUSTED_PROXIES", "127.0.0.1")])
            .await;
    let from =
        |chain: &'static str| app.anonymous().request(Method::GET, "/nothing").header("x-forwarded-for", chain).send();
    for _ in 0..2 {
        from("6.6.6.6, 198.51.100.1").await.assert_refused(404, "not_found");
    }
    from("7.7.7.7, 198.51.100.1").await.assert_refused(429, "too_many_requests");
    from("6.6.6.6, 198.51.100.2").await.assert_refused(404, "not_found");
}

/// Exceptions: the health checks have no limit, and the WebSocket handshake has a larger budget.
#[actix_web::test]
async fn every_route_is_limited_for_anonymous_requests() {
    let one = "1/1h";
    let app = TestApp::with(&[
        ("STRONGROOM_LIMITS_STANDARD", one),
        ("STRONGROOM_LIMITS_SIGN_IN", one),
        ("STRONGROOM_LIMITS_REGISTRATION", one),
        ("STRONGROOM_LIMITS_RESET", one),
        ("STRONGROOM_LIMITS_REFRESH", one),
        ("STRONGROOM_LIMITS_WRITE", one),
        ("STRONGROOM_LIMITS_PREVIEW", one),
        ("STRONGROOM_LIMITS_EXPORT", one),
        ("STRONGROOM_LIMITS_UPLOAD", one),
        ("STRONGROOM_LIMITS_ASSET", one),
        ("STRONGROOM_LIMITS_UNKNOWN_PATH", one),
    ])
    .await;
    let limited = |endpoint: &routes::Endpoint| endpoint.tier != Tier::Unlimited && endpoint.access != Access::Ticket;
    for endpoint in routes::table().into_iter().filter(limited) {
        let path = endpoint.path.replace("{id}", "x");
        let method = || Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap();
        let first = app.anonymous().request(method(), &path).send().await;
        assert_ne!(first.status.as_u16(), 429, "{path}");
        app.anonymous().request(method(), &path).send().await.assert_refused(429, "too_many_requests");
    }
    app.anonymous().request(Method::GET, "/nothing").send().await.assert_refused(404, "not_found");
    app.anonymous().request(Method::GET, "/nothing/else").send().await.assert_refused(429, "too_many_requests");
    let unlimited = routes::table().into_iter().filter(|endpoint| endpoint.tier == Tier::Unlimited);
    assert_eq!(unlimited.map(|endpoint| endpoint.path).collect::<Vec<_>>(), ["/health/live", "/health/ready"]);
}
