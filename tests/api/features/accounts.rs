//! Registration, profile, password change and deletion of an account, and the command line for administrators.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;

use crate::support::actor::{PASSWORD, newest_mail, try_sign_in};
use crate::support::database::Role;
use crate::support::{Actor, TestApp, wait};

#[actix_web::test]
async fn user_registers_changes_profile_and_password_and_deletes_account() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let me = alice.get("/api/v1/me").await.ok(200);
    assert_eq!((me.header("etag"), &me.json()["bio"]), (Some("\"1\""), &Value::Null));
    let changed = alice.patch("/api/v1/me", "\"1\"", &json!({"display_name": "Алиса", "bio": "Bücher"})).await.ok(200);
    changed.assert_events(&["user_updated/profile"]);
    assert_eq!((&changed.json()["display_name"], &changed.json()["bio"]), (&json!("Алиса"), &json!("Bücher")));
    let cleared = alice.patch("/api/v1/me", "\"2\"", &json!({"bio": null})).await.ok(200).json();
    assert_eq!((&cleared["display_name"], &cleared["bio"]), (&json!("Алиса"), &Value::Null));
    assert_eq!(alice.get("/api/v1/me").await.json(), cleared);
    alice.patch("/api/v1/me", "\"3\"", &json!({"display_name": null})).await.assert_invalid_field("/display_name");

    let next = "another horse battery 7";
    let change = json!({"current_password": PASSWORD, "new_password": next});
    let done = alice.post("/api/v1/me/password", &change).await.ok(200);
    assert!(done.events().contains(&"authn_password_change/by_owner".to_owned()), "{:?}", done.events());
    try_sign_in(&app.anonymous(), &alice.email, PASSWORD).await.assert_refused(401, "invalid_credentials");
    let again = Actor::sign_in(&app.anonymous(), &alice.email, next).await;

    let issue = format!("/api/v1/invoices/{}/issue", again.invoice().await);
    again.request(Method::POST, &issue).header("if-match", "\"1\"").send().await.ok(200);
    let deleted = again.request(Method::DELETE, "/api/v1/me").json(&json!({"password": next})).send().await.ok(204);
    assert!(deleted.events().contains(&"user_deleted/by_owner".to_owned()), "{:?}", deleted.events());
    for table in app.owned_tables().await.into_iter().chain(["users", "owners"].map(str::to_owned)) {
        let sql = format!("select count(*) from {table}");
        // A background worker deletes the account's data after the response, so wait for it.
        let left =
            async || sqlx::query_scalar(sqlx::AssertSqlSafe(sql.clone())).fetch_one(&app.all_rows).await.unwrap();
        wait::until_equal(0_i64, left).await;
    }
    try_sign_in(&app.anonymous(), &alice.email, next).await.assert_refused(401, "invalid_credentials");
    let notified = async || newest_mail(&app, &alice.email).await.contains("was deleted");
    wait::until("a mail about the deletion", notified).await;
}

/// Race condition: the account is deleted between the check of the session and the statement of the request. The test
/// deletes the user, but does not end the login session.
#[actix_web::test]
async fn profile_of_concurrently_deleted_account_returns_404() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let delete = "set session_replication_role = replica; delete from users; set session_replication_role = origin";
    app.all_rows.execute(delete).await.unwrap();
    alice.get("/api/v1/me").await.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
    let change = json!({"display_name": "Alice"});
    alice.patch("/api/v1/me", "\"1\"", &change).await.assert_refused(404, "not_found");
    let change = json!({"current_password": alice.password, "new_password": "a long horse battery 5"});
    alice.request(Method::POST, "/api/v1/me/password").json(&change).send().await.assert_refused(404, "not_found");
}

#[actix_web::test]
async fn session_is_listed_and_renewed_by_its_cookie() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let listed = alice.get("/api/v1/auth/sessions").await.ok(200).json();
    let [session] = listed["items"].as_array().unwrap().as_slice() else { panic!("one: {listed}") };
    assert_eq!((&session["current"], &session["address"]), (&json!(true), &json!("127.0.0.1")));
    let renewed = alice.refresh(&app, &alice.cookie).await.ok(200);
    let cookie = renewed.header("set-cookie").unwrap();
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=604800"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
    let body = renewed.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(body.as_object().unwrap().len(), 3, "the body contains no refresh token");
}

fn strongroom(app: &TestApp, arguments: &[&str], input: &str) -> Output {
    let owner = app.database.options(Role::Owner);
    let place = match owner.get_socket() {
        Some(folder) => folder.to_str().unwrap().replace('/', "%2F"),
        None => format!("{}:{}", owner.get_host(), owner.get_port()),
    };
    let url = format!("postgres://{}@{place}/{}", Role::Owner.name(), app.database.name());
    let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(arguments)
        .env_clear()
        .env("STRONGROOM_DATABASE_OWNER_URL", url)
        .env("STRONGROOM_DEV_STATE_DIR", &app.state_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[actix_web::test]
async fn command_line_creates_promotes_and_demotes_administrators() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let role = async |email: &str| {
        let role: Option<String> = sqlx::query_scalar("select role from users where email = $1")
            .bind(email)
            .fetch_optional(&app.all_rows)
            .await
            .unwrap();
        role
    };
    let done = strongroom(&app, &["migrate"], "");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

    let create = ["admin", "create", "--email", "root@example.com", "--name", "Root"];
    for (input, why) in [("short\n", "at least 12"), ("unbelievable\n", "attackers"), ("", "at least 12")] {
        let refused = strongroom(&app, &create, input);
        let message = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && message.contains(why), "{message}");
    }
    assert_eq!(role("root@example.com").await, None);
    let done = strongroom(&app, &create, "a long horse battery 5\n");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(role("root@example.com").await.as_deref(), Some("admin"));
    try_sign_in(&app.anonymous(), "root@example.com", "a long horse battery 5").await.ok(200);
    assert!(
        !strongroom(&app, &create, "a long horse battery 5\n").status.success(),
        "a second administrator with the same address must be refused"
    );

    assert_eq!(role(&alice.email).await.as_deref(), Some("user"));
    assert!(strongroom(&app, &["admin", "promote", "--email", &alice.email], "").status.success());
    assert_eq!(role(&alice.email).await.as_deref(), Some("admin"));
    assert!(strongroom(&app, &["admin", "demote", "--email", &alice.email], "").status.success());
    assert_eq!(role(&alice.email).await.as_deref(), Some("user"));
    for change in ["promote", "demote"] {
        let unknown = strongroom(&app, &["admin", change, "--email", "unknown@example.com"], "");
        assert!(String::from_utf8(unknown.stderr).unwrap().contains("the user must register and confirm first"));
    }
    let kinds: Vec<String> =
        sqlx::query_scalar("select kind from security_events where reason = 'by_command' order by seq")
            .fetch_all(&app.all_rows)
            .await
            .unwrap();
    assert_eq!(
        kinds,
        [
            "user_created",
            "privilege_permissions_changed",
            "privilege_permissions_changed",
            "privilege_permissions_changed"
        ]
    );
    let verified = strongroom(&app, &["audit", "verify"], "");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}
