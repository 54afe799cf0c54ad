//! API2:2023: stolen refresh tokens, session fixation, and tokens of ended sessions (CWE-384, CWE-613).

mod cookie;
mod session_maximum;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use strongroom::security::sessions::refresh_tokens::MAX_CHAIN;

use crate::support::actor::{PASSWORD, mails, refresh_cookie, reset_token, try_sign_in_with};
use crate::support::{Actor, Reply, TestApp, wait};

fn assert_session_ended(reply: &Reply) {
    reply.assert_refused(401, "unauthenticated").assert_events(&["authn_token_revoked/session_ended"]);
}

async fn read_profile(actor: &Actor) -> Reply {
    actor.get("/api/v1/me").await
}

async fn count(app: &TestApp, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&app.all_rows).await.unwrap()
}

#[actix_web::test]
async fn refresh_token_replay_ends_session_and_notifies_owner() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let elsewhere = Actor::sign_in(&app.anonymous(), &alice.email, PASSWORD).await;
    let renewed = alice.refresh(&app, &alice.cookie).await.ok(200);
    let next = refresh_cookie(&renewed).unwrap();
    assert_ne!(next, alice.cookie);
    app.clock.advance(TimeDelta::seconds(11));

    let replay = alice.refresh(&app, &alice.cookie).await;
    replay
        .assert_refused(401, "unauthenticated")
        .assert_events(&["session_ended/token_reuse", "authn_token_reuse/refresh_token"]);
    assert_eq!(refresh_cookie(&replay), None, "the cookie is deleted");
    assert!(replay.header("set-cookie").unwrap().contains("Max-Age=0"));
    alice
        .refresh(&app, &next)
        .await
        .assert_refused(401, "unauthenticated")
        .assert_events(&["authn_token_revoked/session_ended"]);
    assert_session_ended(&read_profile(&alice).await);
    let thief = Actor { token: renewed.json()["access_token"].as_str().unwrap().to_owned(), ..alice };
    assert_session_ended(&read_profile(&thief).await);
    read_profile(&elsewhere).await.ok(200);
    let is_notification = |mail: &String| mail.contains("Subject:") && !mail.contains("#token=");
    wait::until("a mail to the owner", async || mails(&app, &thief.email).iter().any(is_notification)).await;
}

#[actix_web::test]
async fn concurrent_refreshes_get_same_successor() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let tabs = futures_util::future::join_all((0..6).map(|_| alice.refresh(&app, &alice.cookie))).await;
    let cookies: Vec<_> = tabs.into_iter().map(|tab| refresh_cookie(&tab.ok(200)).unwrap()).collect();
    assert!(cookies.iter().all(|cookie| *cookie == cookies[0]), "all refreshes get the same successor");
    assert_eq!(count(&app, "refresh_tokens").await, 2, "the token has exactly one successor");
    read_profile(&alice).await.ok(200);
}

/// The direct successor of the token was already used, so its next use would look like theft.
#[actix_web::test]
async fn replay_within_grace_gets_newest_unused_token() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let renewed = async |cookie: &str| refresh_cookie(&alice.refresh(&app, cookie).await.ok(200)).unwrap();
    let first_tab = renewed(&alice.cookie).await;
    let second_tab = renewed(&first_tab).await;
    let before = app.digest(&["sessions", "refresh_tokens"]).await;
    let late_tab = renewed(&alice.cookie).await;
    assert_eq!(late_tab, second_tab);
    assert_eq!(app.digest(&["sessions", "refresh_tokens"]).await, before, "the replay creates no second successor");

    app.clock.advance(TimeDelta::seconds(11));
    renewed(&late_tab).await;
    app.clock.advance(TimeDelta::seconds(11));
    // After the grace period, a replay of any earlier token is theft.
    let replay = alice.refresh(&app, &first_tab).await;
    replay
        .assert_refused(401, "unauthenticated")
        .assert_events(&["session_ended/token_reuse", "authn_token_reuse/refresh_token"]);
    assert_session_ended(&read_profile(&alice).await);
}

/// The tokens of a session form a chain, whose last token is unused.
/// For a replay, the service derives at most [`MAX_CHAIN`] successors in memory, and looks them up in one statement.
/// If the unused token is not among them, the replay is refused, but the session continues.
#[actix_web::test]
async fn replay_within_grace_follows_bounded_chain() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let renewed = async |cookie: &str| refresh_cookie(&alice.refresh(&app, cookie).await.ok(200)).unwrap();
    let second = renewed(&alice.cookie).await;
    let mut newest = second.clone();
    for _ in 0..MAX_CHAIN {
        newest = renewed(&newest).await;
    }
    // Restart the grace period, because it could end during the test on a slow machine.
    sqlx::query("update refresh_tokens set used_at = now() where used_at is not null")
        .execute(&app.all_rows)
        .await
        .unwrap();
    let at_the_bound = alice.refresh(&app, &second).await.ok(200);
    assert_eq!((refresh_cookie(&at_the_bound), at_the_bound.statements().len()), (Some(newest), 2));
    let beyond = alice.refresh(&app, &alice.cookie).await;
    beyond.assert_refused(401, "unauthenticated").assert_events(&["authn_token_revoked/contended"]);
    read_profile(&alice).await.ok(200);
}

#[actix_web::test]
async fn zero_grace_treats_every_replay_as_theft() {
    let app = TestApp::with(&[("STRONGROOM_SESSION_REUSE_GRACE_SECONDS", "0")]).await;
    let alice = app.user("alice").await;
    alice.refresh(&app, &alice.cookie).await.ok(200);
    alice
        .refresh(&app, &alice.cookie)
        .await
        .assert_refused(401, "unauthenticated")
        .assert_events(&["session_ended/token_reuse", "authn_token_reuse/refresh_token"]);
    assert_session_ended(&read_profile(&alice).await);
}

#[actix_web::test]
async fn session_ends_when_idle_and_at_absolute_limit() {
    let app = TestApp::start().await;
    let (idle, busy) = (app.user("idle").await, app.user("busy").await);
    let mut cookie = busy.cookie.clone();
    for _ in 0..4 {
        app.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
        cookie = refresh_cookie(&busy.refresh(&app, &cookie).await.ok(200)).unwrap();
    }
    idle.refresh(&app, &idle.cookie)
        .await
        .assert_refused(401, "unauthenticated")
        .assert_events(&["authn_token_revoked/expired"]);
    // Almost 28 days have passed. A session ends after 30 days.
    app.clock.advance(TimeDelta::days(2) + TimeDelta::seconds(5));
    busy.refresh(&app, &cookie)
        .await
        .assert_refused(401, "unauthenticated")
        .assert_events(&["authn_token_revoked/expired"]);
}

async fn login_with_refresh_cookie(app: &TestApp, email: &str, cookie: &str) -> Reply {
    try_sign_in_with(&app.anonymous(), email, PASSWORD, &format!("__Host-refresh={cookie}")).await.ok(200)
}

#[actix_web::test]
async fn login_ends_session_of_refresh_cookie_in_request() {
    let app = TestApp::start().await;
    let (mallory, alice) = (app.user("mallory").await, app.user("alice").await);
    let reply = login_with_refresh_cookie(&app, &alice.email, &mallory.cookie).await;
    assert_ne!(refresh_cookie(&reply).unwrap(), mallory.cookie);
    reply.assert_events(&["session_ended/replaced_by_login", "authn_login_success/", "session_created/"]);
    mallory.refresh(&app, &mallory.cookie).await.assert_refused(401, "unauthenticated");
    assert_session_ended(&read_profile(&mallory).await);
    let again = login_with_refresh_cookie(&app, &alice.email, &mallory.cookie).await;
    again.assert_events(&["authn_login_success/", "session_created/"]);
}

#[actix_web::test]
async fn ended_session_invalidates_its_tokens_immediately() {
    let app = TestApp::start().await;
    for way in ["logout", "one", "all", "password", "disabled", "removed", "deleted", "reset"] {
        let alice = app.user(way).await;
        let other = Actor::sign_in(&app.anonymous(), &alice.email, PASSWORD).await;
        read_profile(&other).await.ok(200);
        let kept = match way {
            "logout" => {
                other.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
                Some(&alice)
            }
            "one" => {
                let sessions = alice.get("/api/v1/auth/sessions").await.json();
                let items = sessions["items"].as_array().unwrap();
                let id = items.iter().find(|item| item["current"] == false).unwrap()["id"].as_str().unwrap().to_owned();
                alice.request(Method::DELETE, &format!("/api/v1/auth/sessions/{id}")).send().await.ok(204);
                Some(&alice)
            }
            "all" => {
                alice.request(Method::DELETE, "/api/v1/auth/sessions").send().await.ok(204);
                None
            }
            "password" => {
                let change = json!({"current_password": PASSWORD, "new_password": "another horse battery 7"});
                alice.post("/api/v1/me/password", &change).await.ok(200);
                None
            }
            "disabled" | "removed" => {
                let by_hand = match way {
                    "disabled" => "update users set status = 'disabled' where email = $1",
                    _ => "delete from users where email = $1",
                };
                sqlx::query(by_hand).bind(&alice.email).execute(&app.all_rows).await.unwrap();
                None
            }
            "deleted" => {
                let password = json!({"password": PASSWORD});
                alice.request(Method::DELETE, "/api/v1/me").json(&password).send().await.ok(204);
                None
            }
            _ => {
                let anonymous = app.anonymous();
                let ask = json!({"email": alice.email});
                anonymous.request(Method::POST, "/api/v1/auth/password-reset").json(&ask).send().await.ok(202);
                let token = reset_token(&app, &alice.email, "").await;
                let body = json!({"token": token, "new_password": "another horse battery 7"});
                anonymous.request(Method::POST, "/api/v1/auth/password-reset/confirm").json(&body).send().await.ok(204);
                None
            }
        };
        if ["disabled", "removed"].contains(&way) {
            // Wait for the database notification that the session has ended.
            wait_until_session_ended(&other).await;
        }
        assert_session_ended(&read_profile(&other).await);
        other.refresh(&app, &other.cookie).await.assert_refused(401, "unauthenticated");
        match kept {
            Some(kept) => drop(read_profile(kept).await.ok(200)),
            None => assert_session_ended(&read_profile(&alice).await),
        }
    }
}

/// Session fixation (CWE-384): stolen tokens of the old session do not work in the new one.
#[actix_web::test]
async fn password_change_replaces_the_session_and_its_tokens() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let elsewhere = Actor::sign_in(&app.anonymous(), &alice.email, PASSWORD).await;
    let change = json!({"current_password": PASSWORD, "new_password": "another horse battery 7"});
    let reply = alice.post("/api/v1/me/password", &change).await.ok(200);
    reply.assert_events(&[
        "session_ended/password_changed",
        "session_ended/password_changed",
        "authn_password_change/by_owner",
        "session_created/",
    ]);
    let body = reply.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(body.as_object().unwrap().len(), 3, "the body contains no refresh token");
    let new = Actor {
        token: body["access_token"].as_str().unwrap().to_owned(),
        cookie: refresh_cookie(&reply).unwrap(),
        ..Actor::anonymous(&app)
    };
    for old in [&alice, &elsewhere] {
        assert_session_ended(&read_profile(old).await);
        let refused = old.refresh(&app, &old.cookie).await;
        refused.assert_refused(401, "unauthenticated").assert_events(&["authn_token_revoked/session_ended"]);
    }
    read_profile(&new).await.ok(200);
    new.refresh(&app, &new.cookie).await.ok(200);
    assert_eq!(count(&app, "sessions where ended_at is null").await, 1);
}

async fn wait_until_session_ended(actor: &Actor) {
    wait::until_equal(401, async || read_profile(actor).await.status.as_u16()).await;
}
