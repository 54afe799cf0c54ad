//! API5: a socket does not outlive its session, its user, its access or its process.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::support::actor::PASSWORD;
use crate::support::socket::{Socket, ticket};
use crate::support::{Actor, TestApp};

#[actix_web::test]
async fn a_socket_ends_with_its_session_however_that_ends() {
    let app = TestApp::start().await;
    for way in ["logout", "all", "password", "disabled", "removed", "deleted", "replay"] {
        let alice = app.user(way).await;
        let other = Actor::sign_in(&app.anybody(), &alice.email, PASSWORD).await;
        let mut socket = Socket::of(&app, &other).await;
        socket.subscribe("invoices", None).await;
        match way {
            "logout" => drop(other.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204)),
            "all" => drop(alice.request(Method::DELETE, "/api/v1/auth/sessions").send().await.ok(204)),
            "password" => {
                let change = json!({"current_password": PASSWORD, "new_password": "another horse battery 7"});
                alice.post("/api/v1/me/password", &change).await.ok(200);
            }
            "disabled" | "removed" => {
                let by_hand = match way {
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
                app.clock.turn(TimeDelta::seconds(11));
                other.refresh(&app, &other.cookie).await.refused(401, "unauthenticated");
            }
        }
        assert_eq!(socket.closed().await, 4401, "{way}");
        socket.left("authn_token_revoked/live_session_ended").await;
    }
}

#[actix_web::test]
async fn another_session_of_the_same_user_stays() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let other = Actor::sign_in(&app.anybody(), &alice.email, PASSWORD).await;
    let mut stays = Socket::of(&app, &alice).await;
    let mut ends = Socket::of(&app, &other).await;
    other.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
    assert_eq!(ends.closed().await, 4401);
    assert_eq!(stays.subscribe("invoices", None).await["type"], "subscribed");
}

#[actix_web::test]
async fn a_socket_ends_with_its_access_unless_it_is_renewed() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (mut renewed, mut left_alone) = (Socket::of(&app, &alice).await, Socket::of(&app, &alice).await);
    // An access token lives for ten minutes.
    app.clock.turn(TimeDelta::seconds(545));
    for socket in [&mut renewed, &mut left_alone] {
        assert_eq!(socket.hear().await["type"], "renew_soon");
    }
    let again = Actor { token: token(&alice, &app).await, ..Actor::nobody(&app) };
    assert_eq!(renewed.ask(&json!({"type": "renew", "ticket": ticket(&again).await})).await["type"], "renewed");
    app.clock.turn(TimeDelta::seconds(60));
    assert_eq!(left_alone.closed().await, 4401);
    assert_eq!(renewed.subscribe("invoices", None).await["type"], "subscribed");
    app.clock.turn(TimeDelta::seconds(600));
    assert_eq!(renewed.closed().await, 4401);
}

async fn token(actor: &Actor, app: &TestApp) -> String {
    actor.refresh(app, &actor.cookie).await.ok(200).json()["access_token"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn the_end_of_the_service_is_told_and_not_waited_for() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (mut socket, mut waiting) = (Socket::of(&app, &alice).await, Socket::open(&app).await);
    let (_, first, second) = futures_util::join!(app.stop(), socket.closed(), waiting.closed());
    assert_eq!((first, second), (1001, 1001));
}
