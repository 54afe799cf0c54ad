//! Administrators manage users, and each action records its event.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::{PASSWORD, try_sign_in};
use crate::support::{Actor, Reply, TestApp};

const USERS: &str = "/api/v1/admin/users";
const WRONG: &str = "wrong horse battery 1";

async fn act(admin: &Actor, id: &str, act: &str) -> Reply {
    admin.request(Method::POST, &format!("{USERS}/{id}/{act}")).send().await
}

fn addresses(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|user| user["email"].as_str().unwrap().split('@').next().unwrap().to_owned()).collect()
}

async fn id_of(actor: &Actor) -> String {
    actor.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn users_are_listed_searched_and_read() {
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    for name in ["ann", "a_n", "bob"] {
        app.user(name).await;
    }
    let list = async |query: &str| root.get(&format!("{USERS}{query}")).await.ok(200).json();
    assert_eq!(addresses(&list("").await), ["bob", "a_n", "ann", "root"]);
    assert_eq!(addresses(&list("?role=admin").await), ["root"]);
    assert_eq!(addresses(&list("?role=user&email=ANN").await), ["ann"]);
    // The search text is plain text, not a pattern.
    assert_eq!(addresses(&list("?email=a_n").await), ["a_n"]);
    assert_eq!(addresses(&list("?email=%25").await), Vec::<String>::new());
    assert_eq!(addresses(&list("?email=%27%20or%201%3D1--").await), Vec::<String>::new());

    let first = list("?limit=3").await;
    assert_eq!(addresses(&first), ["bob", "a_n", "ann"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = list(&format!("?limit=3&cursor={cursor}")).await;
    assert_eq!((addresses(&rest), &rest["next_cursor"]), (vec!["root".to_owned()], &Value::Null));
    root.get(&format!("{USERS}?role=user&cursor={cursor}")).await.assert_invalid_field("/cursor");
    app.admin("toor").await.get(&format!("{USERS}?cursor={cursor}")).await.assert_invalid_field("/cursor");
    for (query, field) in [
        ("?role=root", "/role"),
        ("?status=gone", "/status"),
        ("?email=", "/email"),
        ("?limit=0", "/limit"),
        ("?password_hash=x", "/password_hash"),
        ("?role=user&role=admin", "/role"),
    ] {
        root.get(&format!("{USERS}{query}"))
            .await
            .assert_invalid_field(field)
            .assert_events(&["input_validation_fail/invalid_input"]);
    }

    let ann = list("?email=ann").await["items"][0].clone();
    let one = root.get(&format!("{USERS}/{}", ann["id"].as_str().unwrap())).await.ok(200).json();
    assert_eq!(one, ann);
    assert_eq!((&one["role"], &one["status"], &one["locked"]), (&json!("user"), &json!("active"), &json!(false)));
    assert!(one["last_active_at"].is_string());
    let missing = root.get(&format!("{USERS}/{}", uuid::Uuid::new_v4())).await;
    missing.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
}

#[actix_web::test]
async fn locked_user_is_unlocked_without_a_new_password() {
    let app = TestApp::with(&[("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", "3/1h")]).await;
    let (root, alice) = (app.admin("root").await, app.user("alice").await);
    let id = id_of(&alice).await;
    let seen = async || root.get(&format!("{USERS}/{id}")).await.ok(200).json()["locked"].clone();
    assert_eq!(seen().await, false);
    for _ in 0..3 {
        try_sign_in(&app.client_from([127, 0, 0, 9].into()), &alice.email, WRONG)
            .await
            .assert_refused(401, "invalid_credentials");
    }
    assert_eq!(seen().await, true);
    try_sign_in(&app.anonymous(), &alice.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    act(&root, &id, "unlock").await.ok(204).assert_events(&["admin_user_unlocked/"]);
    assert_eq!(seen().await, false);
    try_sign_in(&app.anonymous(), &alice.email, PASSWORD).await.ok(200);
}

/// There are counters for the account, for the account at one address, and for re-authentication.
#[actix_web::test]
async fn unlock_resets_all_counters_of_that_user_only() {
    let app = TestApp::start().await;
    let (root, alice, bob) = (app.admin("root").await, app.user("alice").await, app.user("bob").await);
    let there = app.client_from([127, 0, 0, 9].into());
    let body = |password| json!({"current_password": password, "new_password": "another horse battery 7"});
    let reauthenticate = async |password| alice.post("/api/v1/me/password", &body(password)).await;
    for _ in 0..5 {
        for actor in [&alice, &bob] {
            try_sign_in(&there, &actor.email, WRONG).await.assert_refused(401, "invalid_credentials");
        }
        reauthenticate(WRONG).await.assert_refused(401, "invalid_credentials");
    }
    for actor in [&alice, &bob] {
        try_sign_in(&there, &actor.email, PASSWORD).await.assert_refused(429, "too_many_requests");
    }
    reauthenticate(PASSWORD).await.assert_refused(429, "too_many_requests");

    act(&root, &id_of(&alice).await, "unlock").await.ok(204).assert_events(&["admin_user_unlocked/"]);
    try_sign_in(&there, &alice.email, PASSWORD).await.ok(200);
    try_sign_in(&there, &bob.email, PASSWORD).await.assert_refused(429, "too_many_requests");
    reauthenticate(PASSWORD).await.ok(200);
    // After five more failures, this address must wait again.
    for _ in 0..5 {
        try_sign_in(&there, &alice.email, WRONG).await.assert_refused(401, "invalid_credentials");
    }
    try_sign_in(&there, &alice.email, WRONG).await.assert_refused(429, "too_many_requests");
}

#[actix_web::test]
async fn disabled_user_is_locked_out_until_enabled_and_keeps_data() {
    let app = TestApp::start().await;
    let (root, alice) = (app.admin("root").await, app.user("alice").await);
    let id = id_of(&alice).await;
    let invoice = format!("/api/v1/invoices/{}", alice.invoice().await);
    let owned = app.digest(&["customers", "invoices"]).await;
    let done = act(&root, &id, "disable").await.ok(204);
    done.assert_events(&["admin_user_disabled/", "session_ended/disabled_by_admin"]);
    alice
        .get(&invoice)
        .await
        .assert_refused(401, "unauthenticated")
        .assert_events(&["authn_token_revoked/session_ended"]);
    try_sign_in(&app.anonymous(), &alice.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    let seen = root.get(&format!("{USERS}?status=disabled")).await.ok(200).json();
    assert_eq!((addresses(&seen), &seen["items"][0]["last_active_at"]), (vec!["alice".to_owned()], &Value::Null));
    // Disabling a user twice succeeds.
    act(&root, &id, "disable").await.ok(204).assert_events(&["admin_user_disabled/"]);

    act(&root, &id, "enable").await.ok(204).assert_events(&["admin_user_enabled/"]);
    assert_eq!(app.digest(&["customers", "invoices"]).await, owned);
    Actor::sign_in(&app.anonymous(), &alice.email, PASSWORD).await.get(&invoice).await.ok(200);
}

#[actix_web::test]
async fn ending_the_sessions_of_a_user_leaves_sessions_of_others() {
    let app = TestApp::start().await;
    let (root, alice, bob) = (app.admin("root").await, app.user("alice").await, app.user("bob").await);
    let elsewhere = Actor::sign_in(&app.anonymous(), &alice.email, PASSWORD).await;
    let path = format!("{USERS}/{}/sessions", id_of(&alice).await);
    let done = root.request(Method::DELETE, &path).send().await.ok(204);
    done.assert_events(&["admin_sessions_ended/", "session_ended/ended_by_admin", "session_ended/ended_by_admin"]);
    for actor in [&alice, &elsewhere] {
        actor.get("/api/v1/me").await.assert_refused(401, "unauthenticated");
    }
    alice.refresh(&app, &alice.cookie).await.assert_refused(401, "unauthenticated");
    bob.get("/api/v1/me").await.ok(200);
    Actor::sign_in(&app.anonymous(), &alice.email, PASSWORD).await.get("/api/v1/me").await.ok(200);
}

#[actix_web::test]
async fn admin_action_records_actor_and_target() {
    let app = TestApp::start().await;
    let (root, alice) = (app.admin("root").await, app.user("alice").await);
    let (id, roots) = (id_of(&alice).await, id_of(&root).await);
    let reply = act(&root, &id, "unlock").await.ok(204);
    let lines = crate::support::logs::for_request(&reply.request_id());
    let event = lines.iter().find(|line| line["event"] == "admin_user_unlocked").unwrap();
    assert_eq!((&event["object_id"], &event["user"]), (&json!(id), &json!(roots)));
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "select user_id::text, object_kind, object_id::text from security_events where kind = 'admin_user_unlocked'",
    )
    .fetch_all(&app.all_rows)
    .await
    .unwrap();
    assert_eq!(rows, [(roots, "user".to_owned(), id)]);
}
