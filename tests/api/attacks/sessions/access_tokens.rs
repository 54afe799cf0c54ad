//! API2:2023: forged and expired access tokens, and key rotation (CWE-347, CWE-613).

use chrono::TimeDelta;
use reqwest::Method;
use secrecy::ExposeSecret;

use crate::support::actor::PASSWORD;
use crate::support::forgery::{self, Key};
use crate::support::{Actor, TestApp};

/// With both algorithms. Most forged tokens are signed with the correct key, but have wrong claims or a wrong header.
#[actix_web::test]
async fn forged_tokens_get_identical_refusal() {
    for algorithm in ["HS256", "EdDSA"] {
        let app = TestApp::with(&[("STRONGROOM_JWT_ALGORITHM", algorithm)]).await;
        let alice = app.user("alice").await;
        let secret = app.services().settings.jwt.key.expose_secret();
        let key = if algorithm == "HS256" { Key::hs256(secret) } else { Key::ed_dsa(secret) };
        let get = async |token: &str| app.anonymous().request(Method::GET, "/api/v1/me").bearer(token).send().await;
        get(&alice.token).await.ok(200);
        let none = app.anonymous().request(Method::GET, "/api/v1/me").send().await;
        let before = app.digest_all().await;
        let forgeries = forgery::all(&alice.token, &key);
        assert!(forgeries.len() > 60, "{}", forgeries.len());
        for (name, forged) in forgeries {
            // Skip tokens that a header cannot contain, and tokens that HTTP makes valid by removing white space.
            if forged.bytes().any(|byte| byte < 32 && byte != b'\t' || byte == 127) || forged.trim() == alice.token {
                continue;
            }
            let reply = get(&forged).await;
            assert_eq!(reply.comparable(), none.comparable(), "{algorithm} {name}");
            let fault = name.split(':').next().unwrap();
            let events = reply.events();
            let expected = [format!("authn_token_invalid/{fault}"), "authn_token_invalid/missing".to_owned()];
            assert!(events.len() == 1 && expected.contains(&events[0]), "{algorithm} {name}: {events:?}");
            assert_eq!(reply.statements(), Vec::<String>::new(), "{algorithm} {name}");
        }
        assert_eq!(app.digest_all().await, before);
        get(&alice.token).await.ok(200);
    }
}

#[actix_web::test]
async fn expired_access_token_is_rejected() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    app.clock.advance(TimeDelta::seconds(599));
    alice.get("/api/v1/me").await.ok(200);
    // The service tolerates a clock difference of two seconds.
    app.clock.advance(TimeDelta::seconds(4));
    let late = alice.get("/api/v1/me").await;
    late.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/expired"]);
}

#[actix_web::test]
async fn previous_jwt_key_verifies_but_does_not_sign() {
    let old = "hU6yGt5RfE4dWs3QaZx2CvB1nMkL0pOi9uJ8hY7gTfR6eDw5";
    let new = "Zm4Xq8Lp2Vb6Nc0Jk5Hd9Gs3Fa7Tr1Ye-Wi_Uo8Qx2Mz6Bv4";
    let master = ("STRONGROOM_SECRETS_MASTER_KEY", "q9Xv3TzK7mWb1LcR5nYd8sHf2JgP6uEa0oIiVxNtQwZr4BkM");
    let app = TestApp::with(&[master, ("STRONGROOM_JWT_KEY", old)]).await;
    let alice = app.user("alice").await;
    let database = app.stop().await;
    let app = TestApp::on(database, &[master, ("STRONGROOM_JWT_KEY", new), ("STRONGROOM_JWT_PREVIOUS_KEY", old)]).await;
    let there = Actor { client: app.anonymous(), token: alice.token.clone(), ..Actor::anonymous(&app) };
    there.get("/api/v1/me").await.ok(200);
    let fresh = Actor::sign_in(&app.anonymous(), &alice.email, PASSWORD).await;
    let database = app.stop().await;
    // Without the old key, the tokens that it signed are invalid.
    let app = TestApp::on(database, &[master, ("STRONGROOM_JWT_KEY", new)]).await;
    let at = |token: &str| Actor { client: app.anonymous(), token: token.to_owned(), ..Actor::anonymous(&app) };
    at(&fresh.token).get("/api/v1/me").await.ok(200);
    let refused = at(&there.token).get("/api/v1/me").await;
    refused.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/unknown_key"]);
}
