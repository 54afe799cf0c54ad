//! A socket closes when its session ends, its user is disabled, its access token expires, or its process stops (API2,
//! API5).

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::support::actor::PASSWORD;
use crate::support::socket::{Socket, ticket};
use crate::support::{Actor, TestApp, logs};

#[actix_web::test]
async fn socket_closes_when_its_session_ends() {
    let app = TestApp::start().await;
    for cause in ["logout", "all", "password", "disabled", "removed", "deleted", "replay"] {
        let alice = app.user(cause).await;
        let other = Actor::sign_in(&app.anonymous(), &alice.email, PASSWORD).await;
        let mut socket = Socket::connect(&app, &other).await;
        socket.subscribe("invoices", None).await;
        match cause {
            "logout" => drop(other.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204)),
            "all" => drop(alice.request(Method::DELETE, "/api/v1/auth/sessions").send().await.ok(204)),
            "password" => {
                let change = json!({"current_password": PASSWORD, "new_password": "another horse battery 7"});
                alice.post("/api/v1/me/password", &change).await.ok(200);
            }
            "disabled" | "removed" => {
                let by_hand = match cause {
                    "disabled" => "update users set status = 'disabled' where email = $1",
                    _ => "delete from users where email = $1",
                };
                sqlx::query(by_hand).bind(&alice.email).execute(&app.all_rows).await.unwrap();
            }
            "deleted" => {
                let password = json!({"password": PASSWORD});
                alice.request(Method::DELETE, "/api/v1/me").json(&password).send().await.ok(204);
            }
            _ => {
                other.refresh(&app, &other.cookie).await.ok(200);
                app.clock.advance(TimeDelta::seconds(11));
                other.refresh(&app, &other.cookie).await.assert_refused(401, "unauthenticated");
            }
        }
        assert_eq!(socket.close_code().await, 4401, "{cause}");
        // The end of the session has its own event. A warning for the socket would report each logout as an attack.
        let events = logs::events(&socket.request_id);
        assert!(!events.iter().any(|event| event.starts_with("authn_token_revoked")), "{cause}: {events:?}");
    }
}

#[actix_web::test]
async fn other_sessions_of_the_user_keep_their_sockets() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let other = Actor::sign_in(&app.anonymous(), &alice.email, PASSWORD).await;
    let mut stays = Socket::connect(&app, &alice).await;
    let mut ends = Socket::connect(&app, &other).await;
    other.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
    assert_eq!(ends.close_code().await, 4401);
    assert_eq!(stays.subscribe("invoices", None).await["type"], "subscribed");
}

#[actix_web::test]
async fn socket_closes_when_its_access_expires_unless_renewed() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (mut renewed, mut not_renewed) = (Socket::connect(&app, &alice).await, Socket::connect(&app, &alice).await);
    // Access tokens expire after ten minutes, so less than one minute remains.
    app.clock.advance(TimeDelta::seconds(545));
    for socket in [&mut renewed, &mut not_renewed] {
        assert_eq!(socket.receive().await["type"], "renew_soon");
    }
    let again = Actor { token: token(&alice, &app).await, ..Actor::anonymous(&app) };
    assert_eq!(renewed.request(&json!({"type": "renew", "ticket": ticket(&again).await})).await["type"], "renewed");
    app.clock.advance(TimeDelta::seconds(60));
    assert_eq!(not_renewed.close_code().await, 4401);
    assert_eq!(renewed.subscribe("invoices", None).await["type"], "subscribed");
    app.clock.advance(TimeDelta::seconds(600));
    assert_eq!(renewed.close_code().await, 4401);
}

async fn token(actor: &Actor, app: &TestApp) -> String {
    actor.refresh(app, &actor.cookie).await.ok(200).json()["access_token"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn shutdown_closes_all_sockets() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (mut socket, mut waiting) = (Socket::connect(&app, &alice).await, Socket::open(&app).await);
    let (_, first, second) = futures_util::join!(app.stop(), socket.close_code(), waiting.close_code());
    assert_eq!((first, second), (1001, 1001));
}
