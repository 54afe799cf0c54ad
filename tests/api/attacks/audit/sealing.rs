//! ASVS 16.4.2: until an event is sealed it can be deleted unseen, so an attacker tries to stop the sealer. Sealing that stops
//! is an alarm, and the service's own role cannot stop it for long.

use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use strongroom::security::audit::context::within;
use strongroom::security::audit::event::{Event, EventKind};

use crate::support::TestApp;
use crate::support::database::Role;
use crate::support::wait;

const OLDEST: &str = "strongroom_security_events_unsealed_oldest_seconds";
const TRIGGERS: &str = "strongroom_security_event_triggers_missing";

async fn connect(app: &TestApp, role: Role) -> PgConnection {
    app.database.options(role).connect().await.unwrap()
}

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.all_rows).await.unwrap()
}

/// An event whose row is there and waits for its seal.
async fn leave_event(app: &TestApp) {
    within(&app.services().recorder, || Event::new(EventKind::SequenceFail).reason("marker").record());
    let sql = "select count(*) from security_events join security_events_unsealed using (seq) where reason = 'marker'";
    wait::equal(1, async || number(app, sql).await).await;
}

/// The first event with this reason: its amount.
async fn must_tell(app: &TestApp, reason: &str) -> Option<i64> {
    let sql = "select amount from security_events where kind = 'sys_audit_fault' and reason = $1 limit 1";
    wait::found(reason, async || sqlx::query_scalar(sql).bind(reason).fetch_optional(&app.all_rows).await.unwrap())
        .await
}

/// As nothing but a role above the service's can.
async fn hold_sealer(app: &TestApp) -> PgConnection {
    let mut superuser = connect(app, Role::Superuser).await;
    superuser.execute("begin; select from security_event_sealer for update").await.unwrap();
    superuser
}

#[actix_web::test]
async fn session_of_the_service_role_that_blocks_sealing_is_ended() {
    let app = TestApp::start().await;
    let mut attacker = connect(&app, Role::App).await;
    // The lock that sealing once took, and the row that it locks now.
    attacker.execute("select pg_advisory_lock(1400136276)").await.unwrap();
    attacker.execute("begin; select from take_unsealed_security_events(0, false)").await.unwrap();
    leave_event(&app).await;
    assert_eq!(must_tell(&app, "sealing_blocked").await, Some(1));
    assert!(attacker.execute("select 1").await.is_err(), "the attacker's session is over");
    wait::equal(0, async || number(&app, "select count(*) from security_events_unsealed").await).await;
}

#[actix_web::test]
async fn row_that_waits_too_long_for_its_seal_is_an_alarm() {
    let app = TestApp::start().await;
    let holder = hold_sealer(&app).await;
    leave_event(&app).await;
    assert!(app.metrics().await.value(OLDEST) < 60.0);
    app.all_rows.execute("update security_events_unsealed set since = since - interval '1 minute'").await.unwrap();
    must_tell(&app, "seal_overdue").await;
    wait::holds("the metric follows", async || app.metrics().await.value(OLDEST) >= 60.0).await;
    drop(holder);
    wait::holds("all is sealed", async || app.metrics().await.value(OLDEST) == 0.0).await;
}

#[actix_web::test]
async fn disabled_or_dropped_trigger_is_an_alarm() {
    let app = TestApp::start().await;
    let mut owner = connect(&app, Role::Owner).await;
    wait::holds("metric", async || app.metrics().await.find(TRIGGERS) == Some(0.0)).await;
    for (step, missing) in [
        ("alter table security_events disable trigger security_events_remember_unsealed", 1.0),
        // Not enough: it does not fire where session_replication_role is replica.
        ("alter table security_events enable trigger security_events_remember_unsealed", 1.0),
        ("alter table security_events enable always trigger security_events_remember_unsealed", 0.0),
        ("drop trigger security_events_append_only on security_events", 1.0),
        ("alter table security_event_seals disable trigger all", 2.0),
    ] {
        owner.execute(step).await.unwrap();
        wait::holds(step, async || app.metrics().await.find(TRIGGERS) == Some(missing)).await;
    }
    must_tell(&app, "trigger_missing").await;
    owner.close().await.unwrap();
}

#[actix_web::test]
async fn row_that_was_deleted_before_its_seal_is_told() {
    let app = TestApp::start().await;
    let holder = hold_sealer(&app).await;
    leave_event(&app).await;
    let mut owner = connect(&app, Role::Owner).await;
    owner
        .execute(
            "begin;
             alter table security_events disable trigger security_events_append_only;
             delete from security_events where reason = 'marker';
             alter table security_events enable always trigger security_events_append_only;
             commit",
        )
        .await
        .unwrap();
    drop(holder);
    assert_eq!(must_tell(&app, "deleted_before_seal").await, Some(1));
    owner.close().await.unwrap();
}
