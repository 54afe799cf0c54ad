//! Tests which roles may insert and read events. No role may change events.

use sqlx::{ConnectOptions, Executor};
use strongroom::base::id::UserId;
use strongroom::db::OwnerTx;
use uuid::Uuid;

use super::row;
use crate::support::TestApp;
use crate::support::database::{Role, TestDatabase};

const ADD: &str = "insert into security_events (id, at, kind, severity, reason, replica, mac)
    values (gen_random_uuid(), now(), 'authz_fail', 'info', '', 'x', '\\x00000000' || sha256('x'))";

async fn refused_with(connection: &mut sqlx::PgConnection, sql: &'static str) -> String {
    let error = connection.execute(sql).await.expect_err(sql);
    error.as_database_error().unwrap().code().unwrap().into_owned()
}

#[actix_web::test]
async fn service_role_can_only_insert_events() {
    let database = TestDatabase::create().await;
    let mut app = database.options(Role::App).connect().await.unwrap();
    app.execute(ADD).await.unwrap();
    for forbidden in [
        "select id from security_events",
        "select count(*) from security_events",
        "insert into security_events (id, at, kind, severity, reason, replica, mac, seq) overriding system value
            values (gen_random_uuid(), now(), 'authz_fail', 'info', '', 'x', '\\x00000000' || sha256('x'), 1)",
        "update security_events set reason = 'x'",
        "delete from security_events",
        "truncate security_events",
        "alter table security_events disable trigger all",
        "select batch from security_event_seals",
        "update security_event_seals set events = 0",
        "delete from security_event_seals",
        "truncate security_event_seals",
        "select seq from security_events_unsealed",
        "delete from security_events_unsealed",
        "select only_row from security_event_sealer for update",
        "delete from security_event_sealer",
        "select kind from classified_objects",
        "insert into classified_objects values ('user', 'users', 'id')",
        "set role strongroom_classifier",
    ] {
        assert_eq!(refused_with(&mut app, forbidden).await, "42501", "{forbidden}");
    }
    let left: i64 = sqlx::query_scalar("select count(*) from security_events")
        .fetch_one(&mut database.options(Role::Superuser).connect().await.unwrap())
        .await
        .unwrap();
    assert_eq!(left, 1);
}

#[actix_web::test]
async fn schema_owner_cannot_change_events_while_the_trigger_exists() {
    let database = TestDatabase::create().await;
    let mut owner = database.options(Role::Owner).connect().await.unwrap();
    owner.execute(ADD).await.unwrap();
    for forbidden in [
        "update security_events set reason = 'x'",
        "delete from security_events",
        "truncate security_events",
        "update security_event_seals set events = 0",
        "delete from security_event_seals",
        "truncate security_event_seals",
    ] {
        assert_eq!(refused_with(&mut owner, forbidden).await, "42501", "{forbidden}");
    }
}

#[actix_web::test]
async fn users_read_their_own_events_and_administrators_read_all() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let id = async |actor: &crate::support::Actor| {
        let me = actor.get("/api/v1/me").await.ok(200).json();
        me["id"].as_str().unwrap().parse::<UserId>().unwrap()
    };
    let (alice_id, bob_id) = (id(&alice).await, id(&bob).await);
    row(&app.all_rows, "authn_login_success").await;
    let pool = &app.replica().pool;
    let own =
        "select user_id from own_security_events(array['authn_login_success', 'session_created'], null, null, 100)";
    let mut of_alice = OwnerTx::begin(pool, alice_id).await.unwrap();
    let seen: Vec<Uuid> = sqlx::query_scalar(own).fetch_all(of_alice.connection()).await.unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|user| *user == alice_id.uuid()), "{seen:?}");
    let unscoped: Vec<Uuid> = sqlx::query_scalar(own).fetch_all(pool).await.unwrap();
    assert_eq!(unscoped, Vec::<Uuid>::new());

    let all = "select user_id from admin_security_events($1, null, null, $2, null, null, null, null, null, 100)";
    let read =
        async || sqlx::query_scalar::<_, Uuid>(all).bind(bob_id.uuid()).bind(alice_id.uuid()).fetch_all(pool).await;
    let refused = read().await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("42501"));
    app.all_rows.execute("update users set role = 'admin' where email like 'bob%'").await.unwrap();
    assert!(!read().await.unwrap().is_empty());
    app.all_rows.execute("update users set status = 'disabled' where email like 'bob%'").await.unwrap();
    assert!(read().await.is_err());
}
