//! ASVS 16.4.2: the schema's owner can delete an event until it is sealed, so an attacker tries to stop the sealing. If
//! sealing stops, the service records a fault event. If a database session of the service's role causes the stop, the
//! service also terminates this session.

use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use strongroom::security::audit::context::background_sync;
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

async fn leave_event(app: &TestApp) {
    background_sync(&app.services().recorder, || Event::new(EventKind::SequenceFail).reason("marker").record());
    let sql = "select count(*) from security_events join security_events_unsealed using (seq) where reason = 'marker'";
    wait::until_equal(1, async || number(app, sql).await).await;
}

/// Waits for a fault event with this reason, and returns its `amount`.
async fn wait_for_fault(app: &TestApp, reason: &str) -> Option<i64> {
    let sql = "select amount from security_events where kind = 'sys_audit_fault' and reason = $1 limit 1";
    wait::until_some(reason, async || sqlx::query_scalar(sql).bind(reason).fetch_optional(&app.all_rows).await.unwrap())
        .await
}

/// Locks the row that sealing needs, as a superuser. The service terminates only database sessions of its own role.
async fn lock_sealer(app: &TestApp) -> PgConnection {
    let mut superuser = connect(app, Role::Superuser).await;
    superuser.execute("begin; select from security_event_sealer for update").await.unwrap();
    superuser
}

#[actix_web::test]
async fn service_session_that_blocks_sealing_is_terminated() {
    let app = TestApp::start().await;
    let mut attacker = connect(&app, Role::App).await;
    // An advisory lock must not stop the sealing, because any database session could keep it forever.
    attacker.execute("select pg_advisory_lock(1400136276)").await.unwrap();
    // This statement stops the sealing: it locks the row that sealing needs.
    attacker.execute("begin; select from take_unsealed_security_events(0, true)").await.unwrap();
    leave_event(&app).await;
    assert_eq!(wait_for_fault(&app, "sealing_blocked").await, Some(1));
    assert!(attacker.execute("select 1").await.is_err(), "the service terminated the attacker's session");
    wait::until_equal(0, async || number(&app, "select count(*) from security_events_unsealed").await).await;
}

#[actix_web::test]
async fn overdue_seal_raises_an_event_and_a_metric() {
    let app = TestApp::start().await;
    let holder = lock_sealer(&app).await;
    leave_event(&app).await;
    assert!(app.metrics().await.value(OLDEST) < 60.0);
    app.all_rows.execute("update security_events_unsealed set since = since - interval '1 minute'").await.unwrap();
    wait_for_fault(&app, "seal_overdue").await;
    wait::until("the metric reports the delay", async || app.metrics().await.value(OLDEST) >= 60.0).await;
    drop(holder);
    wait::until("everything is sealed", async || app.metrics().await.value(OLDEST) == 0.0).await;
}

#[actix_web::test]
async fn disabled_or_dropped_trigger_raises_an_event_and_a_metric() {
    let app = TestApp::start().await;
    let mut owner = connect(&app, Role::Owner).await;
    wait::until("metric", async || app.metrics().await.find(TRIGGERS) == Some(0.0)).await;
    for (step, missing) in [
        ("alter table security_events disable trigger security_events_remember_unsealed", 1.0),
        // A trigger without `always` counts as missing: with `session_replication_role = replica`, it does not fire.
        ("alter table security_events enable trigger security_events_remember_unsealed", 1.0),
        ("alter table security_events enable always trigger security_events_remember_unsealed", 0.0),
        ("drop trigger security_events_append_only on security_events", 1.0),
        ("alter table security_event_seals disable trigger all", 2.0),
    ] {
        owner.execute(step).await.unwrap();
        wait::until(step, async || app.metrics().await.find(TRIGGERS) == Some(missing)).await;
    }
    wait_for_fault(&app, "trigger_missing").await;
    owner.close().await.unwrap();
}

#[actix_web::test]
async fn row_deleted_before_its_seal_is_reported() {
    let app = TestApp::start().await;
    let holder = lock_sealer(&app).await;
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
    assert_eq!(wait_for_fault(&app, "deleted_before_seal").await, Some(1));
    owner.close().await.unwrap();
}
