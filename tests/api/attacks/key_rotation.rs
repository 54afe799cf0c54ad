//! CWE-324: a master key that is exchanged while clients work. No request fails, the old key signs nothing more, and the audit
//! trail stays whole. The steps are those of `docs/administration.md`.

use reqwest::Method;
use serde_json::json;

use crate::support::actor::{refresh, refresh_cookie, reset_token};
use crate::support::database::TestDatabase;
use crate::support::{Actor, TestApp, wait};

const MASTER: &str = "STRONGROOM_SECRETS_MASTER_KEY";
const PREVIOUS: &str = "STRONGROOM_SECRETS_PREVIOUS_MASTER_KEY";
const OLD: &str = "q9Xv3TzK7mWb1LcR5nYd8sHf2JgP6uEa0oIiVxNtQwZr4BkM";
const NEW: &str = "bT9Zq3xJ0uN5yRk1GvW7sPd2HcLfE8aMoI6tVzXwQ4nBeKjU";
const JWT: (&str, &str) = ("STRONGROOM_JWT_KEY", "hU6yGt5RfE4dWs3QaZx2CvB1nMkL0pOi9uJ8hY7gTfR6eDw5");

/// A replica with this current key, and perhaps another that only verifies.
async fn replica(database: TestDatabase, current: &str, other: Option<&str>) -> TestApp {
    let mut settings = vec![JWT, (MASTER, current)];
    settings.extend(other.map(|other| (PREVIOUS, other)));
    let app = TestApp::on(database, &settings).await;
    app.listening().await;
    app
}

async fn request_reset(app: &TestApp, user: &Actor) {
    let body = json!({"email": user.email});
    app.anybody().request(Method::POST, "/api/v1/auth/password-reset").json(&body).send().await.ok(202);
}

/// Follows a reset link.
async fn choose_password(app: &TestApp, token: &str) {
    let body = json!({"token": token, "new_password": "another horse battery 7"});
    app.anybody().request(Method::POST, "/api/v1/auth/password-reset/confirm").json(&body).send().await.ok(204);
}

#[actix_web::test]
async fn late_tab_at_a_replica_with_the_other_key_gets_the_newest_token() {
    let database = TestDatabase::create().await;
    let (old, new) = (replica(database.clone(), OLD, Some(NEW)).await, replica(database, NEW, Some(OLD)).await);
    let alice = old.user("alice").await;
    let renew = async |app: &TestApp, cookie: &str| {
        let reply = refresh(app, &app.anybody(), cookie).await.ok(200);
        refresh_cookie(&reply).unwrap()
    };
    // A session's tokens: the first, one derived from the old key, one derived from the new key.
    let second = renew(&old, &alice.cookie).await;
    let late = renew(&new, &alice.cookie).await;
    let third = renew(&new, &late).await;
    assert_ne!(third, second);
    for app in [&old, &new] {
        for used in [&alice.cookie, &second] {
            let newest = renew(app, used).await;
            assert_ne!([&newest, &newest], [&alice.cookie, &second]);
        }
    }
    let sessions: i64 = sqlx::query_scalar("select count(*) from sessions where ended_at is not null")
        .fetch_one(&new.all_rows)
        .await
        .unwrap();
    assert_eq!(sessions, 0, "no tab looks like theft");
    let fourth = renew(&old, &third).await;
    assert_ne!(fourth, third);
}

#[actix_web::test]
async fn mail_that_waits_during_the_change_carries_a_link_that_works() {
    let app = replica(TestDatabase::create().await, OLD, None).await;
    let alice = app.user("alice").await;
    // Mail cannot leave: its folder is a file now.
    let folder = app.state_dir.join("mail");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "").unwrap();
    request_reset(&app, &alice).await;
    let tried = async || {
        let attempts: i64 =
            sqlx::query_scalar("select count(*) from mail_outbox where sent_at is null and attempts > 0")
                .fetch_one(&app.all_rows)
                .await
                .unwrap();
        attempts == 1
    };
    wait::holds("a failed delivery", tried).await;
    let app = replica(app.stop().await, NEW, Some(OLD)).await;
    sqlx::query("update mail_outbox set next_attempt_at = created_at").execute(&app.all_rows).await.unwrap();
    let token = reset_token(&app, &alice.email, "").await;
    choose_password(&app, &token).await;
}
