//! API2: access tokens that outlive their session on another replica, and rightly signed tokens of sessions that are not theirs.

use chrono::TimeDelta;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::Executor;
use uuid::Uuid;

use crate::attacks::detection::rules::id_of;
use crate::support::forgery::{Forger, Key};
use crate::support::{Actor, Reply, TestApp, wait};

/// Replicas share their keys.
const KEYS: [(&str, &str); 2] = [
    ("STRONGROOM_SECRETS_MASTER_KEY", "q9Xv3TzK7mWb1LcR5nYd8sHf2JgP6uEa0oIiVxNtQwZr4BkM"),
    ("STRONGROOM_JWT_KEY", "hU6yGt5RfE4dWs3QaZx2CvB1nMkL0pOi9uJ8hY7gTfR6eDw5"),
];

/// Ends a session as another replica does it, without an announcement.
const END: &str = "update sessions set ended_at = now() where id = $1";

async fn me(actor: &Actor) -> Reply {
    actor.get("/api/v1/me").await
}

fn dead(reply: &Reply) {
    reply.assert_refused(401, "unauthenticated").assert_events(&["authn_token_revoked/session_ended"]);
}

/// What a process remembers counts while its newest read of ended sessions is young, which a loaded machine may miss now and then.
async fn until_answered_from_memory(actor: &Actor, status: u16) {
    wait::until_equal((status, 0), async || {
        let reply = me(actor).await;
        (reply.status.as_u16(), reply.session_look_ups())
    })
    .await;
}

/// The session of an actor.
async fn session(app: &TestApp, actor: &Actor) -> Uuid {
    let sql = "select s.id from sessions s join users u on u.id = s.user_id where u.email = $1";
    sqlx::query_scalar(sql).bind(&actor.email).fetch_one(&app.all_rows).await.unwrap()
}

async fn silence(app: &TestApp) {
    app.all_rows.execute("alter table sessions disable trigger sessions_announce_end").await.unwrap();
}

#[actix_web::test]
async fn first_request_of_a_session_asks_the_database_and_the_second_does_not() {
    let first = TestApp::with(&KEYS).await;
    let second = TestApp::on(first.database.clone(), &KEYS).await;
    let alice = first.user("alice").await;
    let there = Actor { client: second.anonymous(), token: alice.token.clone(), ..Actor::anonymous(&second) };
    second.wait_until_listening().await;
    assert_eq!(me(&there).await.ok(200).session_look_ups(), 1);
    until_answered_from_memory(&there, 200).await;
    // It ends on the other replica; here, that is heard.
    alice.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
    until_answered_from_memory(&there, 401).await;
    dead(&me(&there).await);
}

#[actix_web::test]
async fn end_whose_announcement_is_lost_is_found_by_the_next_read() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    me(&alice).await.ok(200);
    silence(&app).await;
    sqlx::query(END).bind(session(&app, &alice).await).execute(&app.all_rows).await.unwrap();
    until_answered_from_memory(&alice, 401).await;
    dead(&me(&alice).await);
}

/// By time, the late one would be older than what was read last.
#[actix_web::test]
async fn end_that_commits_after_later_ones_were_read_is_found() {
    let app = TestApp::start().await;
    let (late, early) = (app.user("late").await, app.user("early").await);
    for actor in [&late, &early] {
        me(actor).await.ok(200);
    }
    silence(&app).await;
    let mut slow = app.all_rows.begin().await.unwrap();
    sqlx::query(END).bind(session(&app, &late).await).execute(&mut *slow).await.unwrap();
    sqlx::query(END).bind(session(&app, &early).await).execute(&app.all_rows).await.unwrap();
    until_answered_from_memory(&early, 401).await;
    me(&late).await.ok(200);
    slow.commit().await.unwrap();
    until_answered_from_memory(&late, 401).await;
    dead(&me(&late).await);
}

/// Two seconds after the last read, what is in memory counts no longer.
#[actix_web::test]
async fn while_ends_cannot_be_read_each_request_asks_the_database() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    // Both pools have a connection that stays.
    me(&alice).await.ok(200);
    let session = session(&app, &alice).await;
    app.wait_until_listening().await;
    until_answered_from_memory(&alice, 200).await;
    app.database.disconnect_listeners().await;
    app.clock.advance(TimeDelta::seconds(2));
    for _ in 0..2 {
        assert_eq!(me(&alice).await.ok(200).session_look_ups(), 1);
    }
    // Another replica ends it; this one can neither hear nor read.
    sqlx::query(END).bind(session).execute(&app.all_rows).await.unwrap();
    dead(&me(&alice).await);
    app.database.restore().await;
    app.wait_until_listening().await;
    until_answered_from_memory(&alice, 401).await;
}

/// An attacker who has the signing key can write any token. One that names a session of another user is refused all the same.
#[actix_web::test]
async fn rightly_signed_token_of_a_wrong_session_is_refused() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.user("anna").await, app.user("ben").await);
    let key = Key::hs256(app.services().settings.jwt.key.expose_secret());
    let annas = Forger::new(&anna.token, &key);
    let (bens_id, sid) = (json!(id_of(&ben).await), || json!(Uuid::new_v4()));
    me(&anna).await.ok(200);
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
        let (read, write) = (me(&forger).await, forger.post("/api/v1/customers", &customer).await);
        for reply in [&read, &write] {
            reply.assert_refused(401, "unauthenticated").assert_events(&[&format!("authn_token_invalid/{reason}")]);
        }
        assert_eq!(read.comparable(), none.comparable(), "{reason}");
    }
    assert_eq!(app.digest_all().await, before);
    // Nothing of it was remembered.
    me(&anna).await.ok(200);
    me(&ben).await.ok(200);
}
