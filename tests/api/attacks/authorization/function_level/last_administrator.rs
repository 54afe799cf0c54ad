//! One active administrator always remains, even if two administrators act at the same moment.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use sqlx::Executor;

use super::{act, digest_all, id_of};
use crate::support::actor::PASSWORD;
use crate::support::{Actor, Reply, TestApp, wait};

async fn active_administrators(app: &TestApp) -> i64 {
    let sql = "select count(*) from users where role = 'admin' and status = 'active'";
    sqlx::query_scalar(sql).fetch_one(&app.all_rows).await.unwrap()
}

#[actix_web::test]
async fn administrators_can_disable_neither_themselves_nor_each_other_at_once() {
    let app = TestApp::start().await;
    let (root, toor) = (app.admin("root").await, app.admin("toor").await);
    let (roots, toors) = (id_of(&root).await, id_of(&toor).await);
    let before = digest_all(&app).await;
    act(&root, &roots, "disable")
        .await
        .assert_refused(409, "own_account")
        .assert_events(&["sequence_fail/own_account"]);
    assert_eq!(digest_all(&app).await, before);
    root.get("/api/v1/admin/users").await.ok(200);

    for _ in 0..4 {
        let (root, toor) = (
            Actor::sign_in(&app.anonymous(), &root.email, PASSWORD).await,
            Actor::sign_in(&app.anonymous(), &toor.email, PASSWORD).await,
        );
        let both = join_all([act(&root, &toors, "disable"), act(&toor, &roots, "disable")]).await;
        let mut statuses: Vec<u16> = both.iter().map(|reply| reply.status.as_u16()).collect();
        statuses.sort_unstable();
        assert!(statuses[0] == 204 && [401, 403].contains(&statuses[1]), "{statuses:?}");
        assert_eq!(active_administrators(&app).await, 1);
        // For the next race, the administrator who is still active enables the disabled administrator again.
        for (admin, other) in [(&root, &toors), (&toor, &roots)] {
            if admin.get("/api/v1/admin/users").await.status == 200 {
                act(admin, other, "enable").await.ok(204);
            }
        }
        assert_eq!(active_administrators(&app).await, 2);
    }
}

async fn leave(actor: &Actor) -> Reply {
    actor.request(Method::DELETE, "/api/v1/me").json(&json!({"password": PASSWORD})).send().await
}

#[actix_web::test]
async fn last_active_administrator_cannot_delete_their_account() {
    let app = TestApp::start().await;
    let (root, toor, alice) = (app.admin("root").await, app.admin("toor").await, app.user("alice").await);
    // A disabled administrator is not active, so `root` is the last active administrator.
    act(&root, &id_of(&toor).await, "disable").await.ok(204);
    delete_attempt_counters(&app).await;
    let before = digest_all(&app).await;
    // The service checks the password first. So the response to a wrong password does not reveal whether another
    // administrator exists.
    let wrong = json!({"password": "wrong horse battery 1"});
    let refused = root.request(Method::DELETE, "/api/v1/me").json(&wrong).send().await;
    refused.assert_refused(401, "invalid_credentials");
    leave(&root).await.assert_refused(409, "last_administrator").assert_events(&["sequence_fail/last_administrator"]);
    delete_attempt_counters(&app).await;
    assert_eq!(digest_all(&app).await, before);
    root.get("/api/v1/admin/users").await.ok(200);
    // Ordinary users can delete their accounts at any time. The administrator can delete theirs as soon as another
    // administrator exists.
    leave(&alice).await.ok(204);
    app.admin("next").await;
    leave(&root).await.ok(204);
    assert_eq!(active_administrators(&app).await, 1);
}

/// The test holds a lock until both requests wait for it. So the requests always race.
#[actix_web::test]
async fn concurrent_account_deletions_leave_one_administrator() {
    let app = TestApp::start().await;
    let (root, toor) = (app.admin("root").await, app.admin("toor").await);
    let mut lock = app.all_rows.begin().await.unwrap();
    lock.execute("select from users where role = 'admin' for no key update").await.unwrap();
    let release = async {
        wait::until_blocked(&app, 2).await;
        lock.rollback().await.unwrap();
    };
    let (first, second, ()) = tokio::join!(leave(&root), leave(&toor), release);
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    let refused = if first.status == 409 { &first } else { &second };
    refused.assert_refused(409, "last_administrator").assert_events(&["sequence_fail/last_administrator"]);
    assert_eq!(active_administrators(&app).await, 1);

    // In the second race, an administrator deletes their own account and disables the other administrator at the same
    // moment.
    let stays = if first.status == 409 { &root } else { &toor };
    let next = app.admin("next").await;
    let nexts = id_of(&next).await;
    let mut lock = app.all_rows.begin().await.unwrap();
    lock.execute("select from users where role = 'admin' for no key update").await.unwrap();
    let release = async {
        wait::until_blocked(&app, 2).await;
        lock.rollback().await.unwrap();
    };
    let (left, _, ()) = tokio::join!(leave(stays), act(stays, &nexts, "disable"), release);
    assert!([204, 409].contains(&left.status.as_u16()), "{}", left.text());
    assert_eq!(active_administrators(&app).await, 1);
}

/// Deletes the counters of password attempts. A refused request also changes them, so a comparison of all rows would
/// fail.
async fn delete_attempt_counters(app: &TestApp) {
    sqlx::query("delete from login_failures").execute(&app.all_rows).await.unwrap();
}
