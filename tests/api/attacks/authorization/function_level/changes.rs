//! Former administrators: a change of role or status takes effect at once.

use sqlx::Executor;

use super::{ENDED, FORBIDDEN, act, id_of};
use crate::support::actor::{PASSWORD, try_sign_in};
use crate::support::socket::Socket;
use crate::support::{Actor, TestApp};

/// Replicas need the same keys to verify each other's tokens.
const KEYS: [(&str, &str); 2] = [
    ("STRONGROOM_SECRETS_MASTER_KEY", "q9Xv3TzK7mWb1LcR5nYd8sHf2JgP6uEa0oIiVxNtQwZr4BkM"),
    ("STRONGROOM_JWT_KEY", "hU6yGt5RfE4dWs3QaZx2CvB1nMkL0pOi9uJ8hY7gTfR6eDw5"),
];

#[actix_web::test]
async fn role_or_status_change_applies_to_the_next_request_on_every_replica() {
    let first = TestApp::with(&KEYS).await;
    let second = TestApp::on(first.database.clone(), &KEYS).await;
    let (root, toor) = (first.admin("root").await, first.admin("toor").await);
    let there = |actor: &Actor| Actor {
        client: second.anonymous(),
        token: actor.token.clone(),
        email: actor.email.clone(),
        ..Actor::anonymous(&second)
    };
    let (root_there, toor_there) = (there(&root), there(&toor));
    let users = "/api/v1/admin/users";
    for actor in [&root, &root_there, &toor, &toor_there] {
        actor.get(users).await.ok(200);
    }
    // The access token stays valid while the user loses the role and gets it back.
    for _ in 0..3 {
        first.demote(&toor).await;
        for actor in [&toor_there, &toor] {
            actor.get(users).await.assert_refused(403, "forbidden").assert_events(&[FORBIDDEN]);
            actor.get("/api/v1/me").await.ok(200);
        }
        first.promote(&toor).await;
        for actor in [&toor_there, &toor] {
            actor.get(users).await.ok(200);
        }
    }
    let mut sockets = [Socket::connect(&first, &toor).await, Socket::connect(&second, &toor_there).await];
    let toors = id_of(&toor).await;
    act(&root, &toors, "disable").await.ok(204);
    // The gate for administrators reads the login session from the database, so it does not depend on a notification.
    for actor in [&toor_there, &toor] {
        actor.get(users).await.assert_refused(401, "unauthenticated").assert_events(&[ENDED]);
    }
    for socket in &mut sockets {
        assert_eq!(socket.close_code().await, 4401);
    }
    try_sign_in(&second.anonymous(), &toor.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    toor.refresh(&first, &toor.cookie).await.assert_refused(401, "unauthenticated");
    // Enabling a user does not restore the ended sessions.
    act(&root_there, &toors, "enable").await.ok(204);
    toor.get(users).await.assert_refused(401, "unauthenticated");
    Actor::sign_in(&first.anonymous(), &toor.email, PASSWORD).await.get(users).await.ok(200);
}

/// The test suppresses the notification that the session has ended.
#[actix_web::test]
async fn ended_session_is_refused_for_administrators_before_any_announcement() {
    let app = TestApp::start().await;
    let (root, toor) = (app.admin("root").await, app.admin("toor").await);
    let mut silent = app.all_rows.acquire().await.unwrap();
    silent.execute("set session_replication_role = replica").await.unwrap();
    for (admin, end) in [
        (&root, "update sessions set ended_at = now() where user_id = (select id from users where email = $1)"),
        (&toor, "update users set status = 'disabled' where email = $1"),
    ] {
        admin.get("/api/v1/admin/users").await.ok(200);
        sqlx::query(end).bind(&admin.email).execute(&mut *silent).await.unwrap();
        admin.get("/api/v1/admin/users").await.assert_refused(401, "unauthenticated").assert_events(&[ENDED]);
    }
    silent.execute("reset session_replication_role").await.unwrap();
}
