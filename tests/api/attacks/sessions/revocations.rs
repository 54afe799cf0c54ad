//! API2:2023: access tokens of sessions that ended on another replica (CWE-613), and forged tokens with a correct
//! signature but the id of a wrong session.

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::Executor;
use uuid::Uuid;

use crate::attacks::detection::rules::id_of;
use crate::support::forgery::{Forger, Key};
use crate::support::{Actor, Reply, TestApp, wait};

/// Replicas need the same keys to verify each other's tokens.
const KEYS: [(&str, &str); 2] = [
    ("STRONGROOM_SECRETS_MASTER_KEY", "q9Xv3TzK7mWb1LcR5nYd8sHf2JgP6uEa0oIiVxNtQwZr4BkM"),
    ("STRONGROOM_JWT_KEY", "hU6yGt5RfE4dWs3QaZx2CvB1nMkL0pOi9uJ8hY7gTfR6eDw5"),
];

/// Ends a session as another replica would.
const END: &str = "update sessions set ended_at = now() where id = $1";

async fn read_profile(actor: &Actor) -> Reply {
    actor.get("/api/v1/me").await
}

fn assert_session_ended(reply: &Reply) {
    reply.assert_refused(401, "unauthenticated").assert_events(&["authn_token_revoked/session_ended"]);
}

/// Waits until a request reads its session from the cache. While the poll for ended sessions is late, each request
/// reads the database instead.
async fn until_answered_from_cache(actor: &Actor, status: u16) {
    wait::until_equal((status, 0), async || {
        let reply = read_profile(actor).await;
        (reply.status.as_u16(), reply.session_look_ups())
    })
    .await;
}

async fn session(app: &TestApp, actor: &Actor) -> Uuid {
    let sql = "select s.id from sessions s join users u on u.id = s.user_id where u.email = $1";
    sqlx::query_scalar(sql).bind(&actor.email).fetch_one(&app.all_rows).await.unwrap()
}

async fn silence(app: &TestApp) {
    app.all_rows.execute("alter table sessions disable trigger sessions_announce_end").await.unwrap();
}

#[actix_web::test]
async fn first_request_of_session_queries_database_and_second_uses_cache() {
    let first = TestApp::with(&KEYS).await;
    let second = TestApp::on(first.database.clone(), &KEYS).await;
    let alice = first.user("alice").await;
    let there = Actor { client: second.anonymous(), token: alice.token.clone(), ..Actor::anonymous(&second) };
    second.wait_until_listening().await;
    assert_eq!(read_profile(&there).await.ok(200).session_look_ups(), 1);
    until_answered_from_cache(&there, 200).await;
    // The first replica ends the session. The second replica learns of it by a notification or a poll.
    alice.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
    until_answered_from_cache(&there, 401).await;
    assert_session_ended(&read_profile(&there).await);
}

#[actix_web::test]
async fn revocation_with_lost_notification_is_found_by_next_poll() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    read_profile(&alice).await.ok(200);
    silence(&app).await;
    sqlx::query(END).bind(session(&app, &alice).await).execute(&app.all_rows).await.unwrap();
    until_answered_from_cache(&alice, 401).await;
    assert_session_ended(&read_profile(&alice).await);
}

/// A transaction ends a session, but commits only after a poll has read another session with a later `ended_at`.
/// A poll by time would miss the first session, so the poll selects by transaction id.
#[actix_web::test]
async fn revocation_that_commits_late_is_found() {
    let app = TestApp::start().await;
    let (late, early) = (app.user("late").await, app.user("early").await);
    for actor in [&late, &early] {
        read_profile(actor).await.ok(200);
    }
    silence(&app).await;
    let mut slow = app.all_rows.begin().await.unwrap();
    sqlx::query(END).bind(session(&app, &late).await).execute(&mut *slow).await.unwrap();
    sqlx::query(END).bind(session(&app, &early).await).execute(&app.all_rows).await.unwrap();
    until_answered_from_cache(&early, 401).await;
    read_profile(&late).await.ok(200);
    slow.commit().await.unwrap();
    until_answered_from_cache(&late, 401).await;
    assert_session_ended(&read_profile(&late).await);
}

/// The cache of live sessions is valid for two seconds after the last successful poll.
#[actix_web::test]
async fn failing_poll_makes_each_request_query_database() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    // Opens the database connections of later requests, because `disconnect_listeners` prevents new connections.
    read_profile(&alice).await.ok(200);
    let session = session(&app, &alice).await;
    app.wait_until_listening().await;
    until_answered_from_cache(&alice, 200).await;
    app.database.disconnect_listeners().await;
    app.clock.advance(TimeDelta::seconds(2));
    for _ in 0..2 {
        assert_eq!(read_profile(&alice).await.ok(200).session_look_ups(), 1);
    }
    // This replica gets no notification, and its polls fail.
    sqlx::query(END).bind(session).execute(&app.all_rows).await.unwrap();
    assert_session_ended(&read_profile(&alice).await);
    app.database.restore().await;
    app.wait_until_listening().await;
    until_answered_from_cache(&alice, 401).await;
}

/// A busy database may accept a connection only after the poll's timeout. If no poll succeeded, each request would send
/// the database one more statement.
#[actix_web::test]
async fn slow_connection_delays_the_first_poll_but_does_not_prevent_it() {
    let (app, relay) = TestApp::relayed(&[]).await;
    app.wait_until_listening().await;
    relay.delay_connections(Duration::from_secs(3));
    app.database.disconnect_listeners().await;
    app.database.restore().await;
    app.clock.advance(TimeDelta::seconds(2));
    wait::until("a poll", async || app.services().authenticator.revocations.is_current()).await;
}

/// An attacker with the signing key chooses the id of another user's session, or an id that no session has (CWE-287).
#[actix_web::test]
async fn correctly_signed_token_for_wrong_session_is_rejected() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.user("anna").await, app.user("ben").await);
    let key = Key::hs256(app.services().settings.jwt.key.expose_secret());
    let annas = Forger::new(&anna.token, &key);
    let (bens_id, sid) = (json!(id_of(&ben).await), || json!(Uuid::new_v4()));
    read_profile(&anna).await.ok(200);
    let none = app.anonymous().request(Method::GET, "/api/v1/me").send().await;
    let before = app.digest_all().await;
    for (forged, reason) in [
        (annas.claim("sub", bens_id), "foreign_session"),
        (annas.claim("sub", json!(Uuid::new_v4())), "foreign_session"),
        (annas.claim("sid", sid()), "unknown_session"),
        (annas.claims(&[("sub", json!(Uuid::new_v4())), ("sid", sid())]), "unknown_session"),
    ] {
        let forger = Actor { token: forged, ..Actor::anonymous(&app) };
        let customer = json!({"name": "Acme Ltd", "default_currency": "EUR"});
        let (read, write) = (read_profile(&forger).await, forger.post("/api/v1/customers", &customer).await);
        for reply in [&read, &write] {
            reply.assert_refused(401, "unauthenticated").assert_events(&[&format!("authn_token_invalid/{reason}")]);
        }
        assert_eq!(read.comparable(), none.comparable(), "{reason}");
    }
    assert_eq!(app.digest_all().await, before);
    // The forged tokens do not change the cached session.
    read_profile(&anna).await.ok(200);
    read_profile(&ben).await.ok(200);
}
