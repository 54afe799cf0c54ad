//! An action and its event are stored together, or neither is stored: despite rollbacks, database outages and SIGKILL.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use sqlx::{ConnectOptions, Connection, Executor};
use strongroom::base::id::UserId;
use strongroom::security::audit::context::{background, background_sync};
use strongroom::security::audit::event::{Event, EventKind};
use strongroom::security::audit::recorder::MAX_QUEUED;
use uuid::Uuid;

use super::row;
use crate::support::client::Client;
use crate::support::database::{Role, TestDatabase};
use crate::support::folder;
use crate::support::{TestApp, wait};

#[actix_web::test]
async fn critical_action_fails_when_its_event_cannot_be_stored() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    app.all_rows.execute("revoke insert on security_events from strongroom_app").await.unwrap();
    let before = app.digest_all().await;
    for (method, path, body) in [
        (Method::POST, "/api/v1/auth/logout", None),
        (Method::DELETE, "/api/v1/auth/sessions", None),
        (Method::DELETE, "/api/v1/me", Some(serde_json::json!({"password": alice.password}))),
        (
            Method::POST,
            "/api/v1/me/password",
            Some(serde_json::json!({"current_password": alice.password, "new_password": "another good passphrase"})),
        ),
    ] {
        let request = alice.request(method, path);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        request.send().await.assert_refused(500, "internal");
        assert_eq!(app.digest_all().await, before, "{path}");
    }
    alice.get("/api/v1/me").await.ok(200);
    app.all_rows.execute("grant insert on security_events to strongroom_app").await.unwrap();
    alice.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
}

#[actix_web::test]
async fn rolled_back_transaction_leaves_no_event() {
    let app = TestApp::start().await;
    let (pool, recorder) = (&app.replica().pool, &app.services().recorder);
    let record = |kind| {
        background(recorder, async move {
            let mut transaction = pool.begin().await.unwrap();
            let pending = Event::new(kind).reason("pending").record_in(&mut transaction).await.unwrap();
            (transaction, pending)
        })
    };
    let (transaction, _kept) = record(EventKind::AdminUserDisabled).await;
    transaction.rollback().await.unwrap();
    let (transaction, pending) = record(EventKind::AdminUserEnabled).await;
    transaction.commit().await.unwrap();
    background_sync(recorder, || {
        pending.publish();
        Event::new(EventKind::SequenceFail).reason("marker").record();
    });
    // `sequence_fail` was queued last. When it is stored, all earlier events are stored too.
    row(&app.all_rows, "sequence_fail").await;
    let rows: Vec<String> = sqlx::query_scalar("select kind from security_events where reason = 'pending'")
        .fetch_all(&app.all_rows)
        .await
        .unwrap();
    assert_eq!(rows, ["admin_user_enabled"]);
    // Without a recorder, `record_in` fails, because the event of a critical action would be lost.
    let mut connection = pool.acquire().await.unwrap();
    assert!(Event::new(EventKind::AdminUserDisabled).record_in(&mut connection).await.is_err());
}

#[actix_web::test]
async fn events_queue_during_database_outage_and_losses_are_counted() {
    let app = TestApp::start().await;
    let recorder = app.services().recorder.clone();
    app.database.disconnect().await;
    let reply = app.anonymous().request(Method::GET, "/api/v1/me").send().await;
    reply.assert_refused(401, "unauthenticated").assert_events(&["authn_token_invalid/missing"]);
    let flood = MAX_QUEUED + 2_000;
    background_sync(&recorder, || {
        (0..flood).for_each(|_| Event::new(EventKind::SequenceFail).reason("flood").record())
    });
    let lost = recorder.lost();
    assert!((1..=7_100).contains(&lost), "{lost}");
    assert!(recorder.queued() <= MAX_QUEUED);
    // Half of the queue is reserved for events about users, so a flood of anonymous events cannot displace them.
    let user = UserId::new();
    let denied = || Event::new(EventKind::AuthzFail).reason("hidden").user(user).record();
    background_sync(&recorder, || (0..100).for_each(|_| denied()));
    assert_eq!(recorder.lost(), lost);
    app.database.restore().await;
    let (reason, _) = row(&app.all_rows, "sys_audit_lost").await;
    assert_eq!(reason, "not_stored");
    wait::until_equal(0, async || recorder.queued()).await;
    // The chain writer may have recorded another fault for the same outage.
    let faults = "select distinct reason from security_events where kind = 'sys_audit_fault'";
    let faults: Vec<String> = sqlx::query_scalar(faults).fetch_all(&app.all_rows).await.unwrap();
    assert!(faults.contains(&"not_written".to_owned()), "{faults:?}");
    let pending: i64 = sqlx::query_scalar("select count(*) from security_events where reason = 'flood'")
        .fetch_one(&app.all_rows)
        .await
        .unwrap();
    assert!(pending as u64 + recorder.lost() >= flood as u64, "{pending} and {}", recorder.lost());
    let reported = "select sum(amount)::bigint from security_events where kind = 'sys_audit_lost'";
    let reported: i64 = sqlx::query_scalar(reported).fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(reported as u64, recorder.lost());
}

/// These events show when the service did not run. In this time, an attacker could have run another program.
#[actix_web::test]
async fn start_and_shutdown_are_recorded() {
    let app = TestApp::start().await;
    row(&app.all_rows, "sys_startup").await;
    let database = app.stop().await;
    let mut superuser = database.options(Role::Superuser).connect().await.unwrap();
    let kinds = "select kind from security_events order by seq";
    let kinds: Vec<String> = sqlx::query_scalar(kinds).fetch_all(&mut superuser).await.unwrap();
    assert_eq!(kinds, ["sys_startup", "sys_shutdown"]);
}

/// `docs/security-events.md` promises that an event is stored within two seconds.
#[actix_web::test]
async fn events_older_than_two_seconds_survive_sigkill() {
    let database = TestDatabase::create().await;
    let state = folder::new_path();
    let mut process = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .env_clear()
        .env("DATABASE_URL", database.options(Role::App).to_url_lossy().to_string())
        .env("STRONGROOM_DEV_STATE_DIR", &state)
        .env("STRONGROOM_HTTP_BIND", "127.0.0.1:0")
        .env("STRONGROOM_TLS_BIND", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    let base =
        lines.find_map(|line| line.split_whitespace().find(|word| word.starts_with("http://127")).map(str::to_owned));
    std::thread::spawn(move || lines.for_each(drop));
    let base = base.expect("the start-up line names the address").split('/').take(3).collect::<Vec<_>>().join("/");
    let mut answered = Vec::new();
    for number in 0..150 {
        // The requests come from ten addresses, because many events of one address would be aggregated.
        let client = Client::from_address(&base, [127, 0, 0, 1 + number % 10].into());
        let reply = client.request(Method::GET, "/api/v1/me").send().await;
        answered.push((Instant::now(), reply.request_id().parse::<Uuid>().unwrap()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let killed = Instant::now();
    process.kill().unwrap();
    process.wait().unwrap();
    let mut superuser = database.options(Role::Superuser).connect().await.unwrap();
    let pending: Vec<Uuid> = sqlx::query_scalar("select request_id from security_events where request_id is not null")
        .fetch_all(&mut superuser)
        .await
        .unwrap();
    superuser.close().await.unwrap();
    let old: Vec<&Uuid> =
        answered.iter().filter(|(at, _)| killed - *at > Duration::from_secs(2)).map(|(_, id)| id).collect();
    assert!(old.len() >= 20, "{}", old.len());
    let lost = old.iter().filter(|id| !pending.contains(id)).count();
    assert_eq!(lost, 0, "of {}", old.len());
    let _ = std::fs::remove_dir_all(&state);
}
