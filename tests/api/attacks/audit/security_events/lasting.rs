//! An event is there when what it tells of is: across rollbacks, a lost database and SIGKILL.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use sqlx::{ConnectOptions, Connection, Executor};
use strongroom::base::id::UserId;
use strongroom::security::audit::context::{background, within};
use strongroom::security::audit::event::{Event, EventKind};
use strongroom::security::audit::recorder::MOST_WAITING;
use uuid::Uuid;

use super::row;
use crate::support::client::Client;
use crate::support::database::{Role, TestDatabase};
use crate::support::folder;
use crate::support::{TestApp, wait};

#[actix_web::test]
async fn what_must_leave_its_event_does_not_happen_without_it() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    app.all_rows.execute("revoke insert on security_events from strongroom_app").await.unwrap();
    let before = app.everything().await;
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
        request.send().await.refused(500, "internal");
        assert_eq!(app.everything().await, before, "{path}");
    }
    alice.get("/api/v1/me").await.ok(200);
    app.all_rows.execute("grant insert on security_events to strongroom_app").await.unwrap();
    alice.request(Method::POST, "/api/v1/auth/logout").send().await.ok(204);
}

#[actix_web::test]
async fn a_transaction_that_is_rolled_back_leaves_no_event() {
    let app = TestApp::start().await;
    let (pool, recorder) = (&app.services().pool, &app.services().recorder);
    let keep = |kind| {
        background(recorder, async move {
            let mut transaction = pool.begin().await.unwrap();
            let kept = Event::new(kind).reason("kept").keep(&mut transaction).await.unwrap();
            (transaction, kept)
        })
    };
    let (transaction, _kept) = keep(EventKind::AdminUserDisabled).await;
    transaction.rollback().await.unwrap();
    let (transaction, kept) = keep(EventKind::AdminUserEnabled).await;
    transaction.commit().await.unwrap();
    within(recorder, || {
        kept.committed();
        Event::new(EventKind::SequenceFail).reason("marker").record();
    });
    // What the recorder was handed before this has its row now, too.
    row(&app.all_rows, "sequence_fail").await;
    let rows: Vec<String> = sqlx::query_scalar("select kind from security_events where reason = 'kept'")
        .fetch_all(&app.all_rows)
        .await
        .unwrap();
    assert_eq!(rows, ["admin_user_enabled"]);
    // Without a recorder there is no keeping.
    let mut connection = pool.acquire().await.unwrap();
    assert!(Event::new(EventKind::AdminUserDisabled).keep(&mut connection).await.is_err());
}

#[actix_web::test]
async fn a_database_that_is_away_keeps_events_waiting_and_what_is_lost_is_counted() {
    let app = TestApp::start().await;
    let recorder = app.services().recorder.clone();
    app.database.cut_off().await;
    let reply = app.anybody().request(Method::GET, "/api/v1/me").send().await;
    reply.refused(401, "unauthenticated").left(&["authn_token_invalid/missing"]);
    // Far more than may wait, and nobody waits for it.
    let flood = MOST_WAITING + 2_000;
    within(&recorder, || (0..flood).for_each(|_| Event::new(EventKind::SequenceFail).reason("flood").record()));
    let lost = recorder.lost();
    assert!((1..=7_100).contains(&lost), "{lost}");
    assert!(recorder.waiting() <= MOST_WAITING);
    // Whoever floods does not hide what is done to users meanwhile.
    let user = UserId::new();
    let denied = || Event::new(EventKind::AuthzFail).reason("hidden").user(user).record();
    within(&recorder, || (0..100).for_each(|_| denied()));
    assert_eq!(recorder.lost(), lost);
    app.database.restore().await;
    let (reason, _) = row(&app.all_rows, "sys_audit_lost").await;
    assert_eq!(reason, "no_row");
    wait::equal(0, async || recorder.waiting()).await;
    // The sealer may have met the same fault meanwhile, and tells of its own.
    let faults = "select distinct reason from security_events where kind = 'sys_audit_fault'";
    let faults: Vec<String> = sqlx::query_scalar(faults).fetch_all(&app.all_rows).await.unwrap();
    assert!(faults.contains(&"not_written".to_owned()), "{faults:?}");
    let kept: i64 = sqlx::query_scalar("select count(*) from security_events where reason = 'flood'")
        .fetch_one(&app.all_rows)
        .await
        .unwrap();
    assert!(kept as u64 + recorder.lost() >= flood as u64, "{kept} and {}", recorder.lost());
    let told = "select sum(amount)::bigint from security_events where kind = 'sys_audit_lost'";
    let told: i64 = sqlx::query_scalar(told).fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(told as u64, recorder.lost());
}

/// Between them something else could have run in the service's place.
#[actix_web::test]
async fn a_start_and_a_stop_are_events() {
    let app = TestApp::start().await;
    row(&app.all_rows, "sys_startup").await;
    let database = app.stop().await;
    let mut superuser = database.options(Role::Superuser).connect().await.unwrap();
    let kinds = "select kind from security_events order by seq";
    let kinds: Vec<String> = sqlx::query_scalar(kinds).fetch_all(&mut superuser).await.unwrap();
    assert_eq!(kinds, ["sys_startup", "sys_shutdown"]);
}

/// What `docs/security-events.md` says: an event is a row within two seconds.
#[actix_web::test]
async fn what_is_older_than_two_seconds_is_there_after_sigkill() {
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
    let base = base.expect("it says where it listens").split('/').take(3).collect::<Vec<_>>().join("/");
    let mut answered = Vec::new();
    for number in 0..150 {
        // From many addresses: beyond a few, events of one are tallied.
        let client = Client::from_address(&base, [127, 0, 0, 1 + number % 10].into());
        let reply = client.request(Method::GET, "/api/v1/me").send().await;
        answered.push((Instant::now(), reply.request_id().parse::<Uuid>().unwrap()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let killed = Instant::now();
    process.kill().unwrap();
    process.wait().unwrap();
    let mut superuser = database.options(Role::Superuser).connect().await.unwrap();
    let kept: Vec<Uuid> = sqlx::query_scalar("select request_id from security_events where request_id is not null")
        .fetch_all(&mut superuser)
        .await
        .unwrap();
    superuser.close().await.unwrap();
    let old: Vec<&Uuid> =
        answered.iter().filter(|(at, _)| killed - *at > Duration::from_secs(2)).map(|(_, id)| id).collect();
    assert!(old.len() >= 20, "{}", old.len());
    let lost = old.iter().filter(|id| !kept.contains(id)).count();
    assert_eq!(lost, 0, "of {}", old.len());
    let _ = std::fs::remove_dir_all(&state);
}
