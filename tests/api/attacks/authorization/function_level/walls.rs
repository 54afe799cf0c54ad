//! Defense in depth: the gate (`src/app/gate.rs`), the handler and the database each check the role. For each of these
//! checks, a test bypasses the other two.

use serde_json::json;
use sqlx::Executor;
use strongroom::security::authorization::administrators::AdminCaller;
use uuid::Uuid;

use super::{ENDED, FORBIDDEN, act, by, digest_all, id_of};
use crate::support::TestApp;
use crate::support::actor::try_sign_in;
use crate::support::operations::{collections, for_administrators, make};

#[actix_web::test]
async fn admin_functions_return_403_to_all_other_users() {
    let app = TestApp::start().await;
    let (alice, bob, root) = (app.user("alice").await, app.user("bob").await, app.admin("root").await);
    let (demoted, disabled) = (app.admin("demoted").await, app.admin("disabled").await);
    let id = id_of(&bob).await;
    try_sign_in(&app.anonymous(), &bob.email, "wrong horse battery 1").await.assert_refused(401, "invalid_credentials");
    for admin in [&demoted, &disabled] {
        admin.get("/api/v1/admin/users").await.ok(200);
    }
    app.demote(&demoted).await;
    act(&root, &id_of(&disabled).await, "disable").await.ok(204);

    let functions = for_administrators();
    assert!(functions.len() >= 6, "there are functions to test");
    let before = digest_all(&app).await;
    for function in &functions {
        let plain = by(&alice, function, &id).send().await;
        plain.assert_refused(403, "forbidden").assert_events(&[FORBIDDEN]);
        let missing = by(&alice, function, &Uuid::new_v4().to_string()).send().await;
        assert_eq!(
            missing.comparable(),
            plain.comparable(),
            "{}: the response must not reveal whether the user exists",
            function.path
        );
        by(&demoted, function, &id).send().await.assert_refused(403, "forbidden").assert_events(&[FORBIDDEN]);
        by(&disabled, function, &id).send().await.assert_refused(401, "unauthenticated").assert_events(&[ENDED]);
        let path = function.path.replace("{id}", &id);
        let anonymous = app.anonymous().request(function.method.clone(), &path).send().await;
        anonymous.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/missing"]);
    }
    assert_eq!(digest_all(&app).await, before);
    demoted.get("/api/v1/me").await.ok(200);
    bob.get("/api/v1/me").await.ok(200);
}

/// If a developer forgets the gate on a route, the handler's [`AdminCaller`] argument must refuse the request.
#[actix_web::test]
async fn admin_handler_cannot_run_without_the_gate() {
    use actix_web::FromRequest;
    let request = actix_web::test::TestRequest::default().to_http_request();
    let refused = AdminCaller::extract(&request).await.expect_err("a refusal without the gate");
    assert_eq!(refused.public().code, "forbidden");
}

/// The attacker calls the database functions directly with the service's role, as an SQL injection could.
#[actix_web::test]
async fn database_functions_refuse_callers_who_are_not_administrators() {
    let app = TestApp::start().await;
    let (alice, bob, root) = (app.user("alice").await, app.user("bob").await, app.admin("root").await);
    let toor = app.admin("toor").await;
    let toors = id_of(&toor).await;
    act(&root, &toors, "disable").await.ok(204);
    let uuid = |id: &str| id.parse::<Uuid>().unwrap();
    let bobs = uuid(&id_of(&bob).await);
    let pool = &app.replica().pool;
    let before = digest_all(&app).await;
    let pretenders = [Some(uuid(&id_of(&alice).await)), Some(bobs), Some(uuid(&toors)), Some(Uuid::new_v4()), None];
    for pretender in pretenders {
        for status in ["disabled", "active"] {
            let call =
                sqlx::query_scalar("select admin_set_status($1, $2, $3)").bind(pretender).bind(bobs).bind(status);
            let outcome: String = call.fetch_one(pool).await.unwrap();
            assert_eq!(outcome, "forbidden");
        }
        let admin: bool =
            sqlx::query_scalar("select is_active_admin($1)").bind(pretender).fetch_one(pool).await.unwrap();
        assert!(!admin);
        let counts = "select count(*) from admin_event_counts($1, now() - interval '1 day', 3600, '{authz_fail}', 100)";
        let rows: i64 = sqlx::query_scalar(counts).bind(pretender).fetch_one(pool).await.unwrap();
        assert_eq!(rows, 0);
    }
    // A temporary table has the name of a real table, but the functions set their own search path.
    let mut mine = pool.acquire().await.unwrap();
    mine.execute("create temp table users (id uuid, role text, status text)").await.unwrap();
    mine.execute("set search_path = pg_temp, public").await.unwrap();
    sqlx::query("insert into pg_temp.users values ($1, 'admin', 'active')")
        .bind(bobs)
        .execute(&mut *mine)
        .await
        .unwrap();
    let outcome: String = sqlx::query_scalar("select admin_set_status($1, $2, 'disabled')")
        .bind(bobs)
        .bind(uuid(&id_of(&alice).await))
        .fetch_one(&mut *mine)
        .await
        .unwrap();
    assert_eq!(outcome, "forbidden");
    drop(mine.detach());
    // A database constraint rejects an unknown status.
    let roots = uuid(&id_of(&root).await);
    let odd = sqlx::query("select admin_set_status($1, $2, 'admin')").bind(roots).bind(bobs).execute(pool).await;
    assert_eq!(odd.unwrap_err().as_database_error().unwrap().constraint(), Some("users_status_known"));
    assert_eq!(digest_all(&app).await, before);
    // No function may be open to all roles (PUBLIC), or lack its own search path.
    let open: Vec<String> = sqlx::query_scalar(
        "select p.proname::text from pg_proc p
         where p.proname in ('is_active_admin', 'admin_set_status')
           and (has_function_privilege('public', p.oid, 'execute') or not coalesce(p.proconfig::text, '') like '%search_path=%')",
    )
    .fetch_all(&app.all_rows)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new());
}

#[actix_web::test]
async fn administrators_cannot_read_objects_of_users() {
    let app = TestApp::start().await;
    let (alice, root) = (app.user("alice").await, app.admin("root").await);
    // Sessions are left out: the administrator has a session too, so this list is not empty.
    for collection in collections().into_iter().filter(|collection| *collection != "/api/v1/auth/sessions") {
        let id = make(&alice, collection).await;
        let missing = root.get(&format!("{collection}/{}", Uuid::new_v4())).await;
        let hers = root.get(&format!("{collection}/{id}")).await;
        hers.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
        assert_eq!(hers.comparable(), missing.comparable());
        assert_eq!(hers.statements(), missing.statements());
        assert_eq!(root.get(collection).await.ok(200).json()["items"], json!([]));
    }
    let session = make(&alice, "/api/v1/auth/sessions").await;
    let before = digest_all(&app).await;
    root.delete(&format!("/api/v1/auth/sessions/{session}"), "\"1\"").await.assert_refused(404, "not_found");
    assert_eq!(digest_all(&app).await, before);
    // No response contains secrets or objects of the user.
    let hash: String = sqlx::query_scalar("select password_hash from users where email = $1")
        .bind(&alice.email)
        .fetch_one(&app.all_rows)
        .await
        .unwrap();
    let seen = root.get(&format!("/api/v1/admin/users/{}", id_of(&alice).await)).await.ok(200);
    for private in ["password", "argon2", "hash", "token", "Acme", &session, &hash, &alice.cookie] {
        assert!(!seen.text().contains(private), "{private}: {}", seen.text());
    }
}

#[actix_web::test]
async fn admin_requests_fail_closed_during_database_outage() {
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    root.get("/api/v1/admin/users").await.ok(200);
    app.database.disconnect().await;
    let refused = root.get("/api/v1/admin/users").await;
    refused.assert_refused(503, "unavailable");
    assert!(refused.header("retry-after").is_some());
    app.database.restore().await;
}
