//! ASVS 16.4.2: the schema's owner can change events, but `audit verify` detects each change. In each test, the
//! attacker is the schema's owner, and first disables the trigger that protects the events.

use std::process::Command;

use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use strongroom::base::clock::Clock;
use strongroom::security::audit::verify::{Fault, MAX_SEAL_AGE, Report, verify};
use strongroom::security::crypto::keys::Keys;

use crate::support::database::{Role, TestDatabase};
use crate::support::folder;
use crate::support::{TestApp, logs};

const MASTER: (&str, &str) = ("STRONGROOM_SECRETS_MASTER_KEY", "c2VhbHMgYXJlIG1hZGUgd2l0aCB0aGlzIG9uZSwgaW4gdGVzdHM");

struct Trail {
    database: TestDatabase,
    owner: PgConnection,
    keys: Keys,
}

impl Trail {
    /// Creates two sealed batches of events, and disables the trigger.
    async fn sealed() -> Self {
        let mut database = TestDatabase::create().await;
        for _ in 0..2 {
            let app = TestApp::on(database, &[MASTER]).await;
            for _ in 0..3 {
                app.anonymous()
                    .request(reqwest::Method::GET, "/api/v1/me")
                    .send()
                    .await
                    .assert_refused(401, "unauthenticated");
            }
            database = app.stop().await;
        }
        let mut owner = database.options(Role::Owner).connect().await.unwrap();
        for table in ["security_events", "security_event_seals"] {
            let sql = format!("alter table {table} disable trigger user");
            owner.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
        }
        let keys = Keys::new(&MASTER.1.as_bytes().to_vec().into()).unwrap();
        Self { database, owner, keys }
    }

    async fn execute(&mut self, sql: &'static str) {
        let done = self.owner.execute(sql).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql}");
    }

    async fn number(&mut self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.owner).await.unwrap()
    }

    async fn report(&mut self, heads: Option<&str>) -> Report {
        verify(&mut self.owner, &self.keys, heads, Clock::default().now()).await.unwrap()
    }

    async fn faults(&mut self) -> Vec<Fault> {
        self.report(None).await.faults
    }

    /// Returns the log lines with the heads of this hash chain: its signed state after each batch of events.
    async fn heads(&mut self) -> String {
        let macs: Vec<String> = sqlx::query_scalar("select encode(mac, 'hex') from security_event_seals")
            .fetch_all(&mut self.owner)
            .await
            .unwrap();
        let lines = macs.iter().map(|mac| logs::first_containing(mac).expect("each seal has a logged head"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[actix_web::test]
async fn untouched_audit_trail_has_no_fault() {
    let mut trail = Trail::sealed().await;
    let heads = trail.heads().await;
    let report = trail.report(Some(&heads)).await;
    let rows = trail.number("select count(*) from security_events").await;
    assert!(report.faults.is_empty(), "{report}");
    assert!(report.seals >= 2 && rows >= 10, "{report}");
    assert_eq!((report.sealed, report.waiting, report.heads), (rows, 0, Some(report.seals as usize)));
}

#[actix_web::test]
async fn edited_event_is_detected() {
    for edit in [
        "update security_events set reason = 'other' where seq = (select seqs[1] from security_event_seals where batch = 1)",
        "update security_events set user_id = gen_random_uuid() where seq = (select seqs[1] from security_event_seals where batch = 1)",
        "update security_events set at = at - interval '1 hour' where seq = (select seqs[1] from security_event_seals where batch = 1)",
        "update security_events set address = '10.0.0.1' where seq = (select seqs[1] from security_event_seals where batch = 1)",
        "update security_events set mac = sha256('x') || substring(mac for 4) where seq = (select seqs[1] from security_event_seals where batch = 1)",
        "update security_events set mac = substring(mac for 4) || sha256('x') where seq = (select seqs[1] from security_event_seals where batch = 1)",
    ] {
        let mut trail = Trail::sealed().await;
        let seq = trail.number("select seqs[1] from security_event_seals where batch = 1").await;
        trail.execute(edit).await;
        assert_eq!(trail.faults().await, [Fault::Edited { seq }], "{edit}");
    }
}

#[actix_web::test]
async fn deleted_event_is_detected() {
    let mut trail = Trail::sealed().await;
    let seq = trail.number("select seqs[1] from security_event_seals where batch = 2").await;
    trail
        .execute("delete from security_events where seq = (select seqs[1] from security_event_seals where batch = 2)")
        .await;
    assert_eq!(trail.faults().await, [Fault::Deleted { seq, batch: 2 }]);
    // The gap in the batch numbers reveals that a whole batch was deleted. The schema's owner then renumbers the other
    // seals, but cannot compute valid MACs for them.
    let mut trail = Trail::sealed().await;
    trail
        .execute(
            "delete from security_events where seq in (select unnest(seqs) from security_event_seals where batch = 1)",
        )
        .await;
    trail.execute("delete from security_event_seals where batch = 1").await;
    assert_eq!(trail.faults().await, [Fault::MissingSeal { batch: 1 }]);
    trail
        .execute("update security_event_seals set batch = batch - 1, previous = decode(repeat('00', 36), 'hex')")
        .await;
    assert!(trail.faults().await.contains(&Fault::BrokenSeal { batch: 1 }));
}

#[actix_web::test]
async fn inserted_event_is_detected() {
    // Without the master key, the schema's owner can only copy the MAC of another row.
    let copy = "insert into security_events (id, at, kind, severity, reason, replica, mac)
        select gen_random_uuid(), at, kind, severity, reason, replica, mac from security_events limit 1";
    let mut trail = Trail::sealed().await;
    trail.execute(copy).await;
    let seq = trail.number("select max(seq) from security_events").await;
    assert_eq!(trail.faults().await, [Fault::Inserted { seq }]);
    // The schema's owner adds the event to the newest seal, but cannot compute the new MAC of this seal.
    let sneak = "update security_event_seals set events = events + 1,
            seqs = seqs || (select max(seq) from security_events),
            macs = macs || (select mac from security_events order by seq desc limit 1)
        where batch = (select max(batch) from security_event_seals)";
    trail.execute(sneak).await;
    let faults = trail.faults().await;
    let batch = trail.number("select max(batch) from security_event_seals").await;
    assert_eq!(faults, [Fault::BrokenSeal { batch }, Fault::Edited { seq }]);
}

#[actix_web::test]
async fn reordered_events_are_detected() {
    let mut trail = Trail::sealed().await;
    let (one, other) = (
        trail.number("select seqs[1] from security_event_seals where batch = 1").await,
        trail.number("select seqs[1] from security_event_seals where batch = 2").await,
    );
    let places = "(select seqs[1] from security_event_seals where batch in (1, 2))";
    trail.owner.execute("alter table security_events alter seq drop identity").await.unwrap();
    for sql in [
        format!("update security_events set seq = -seq where seq in {places}"),
        format!("update security_events set seq = case -seq when {one} then {other} else {one} end where seq < 0"),
    ] {
        trail.owner.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    }
    let expected = [Fault::Moved { seq: one, from: other }, Fault::Moved { seq: other, from: one }];
    assert_eq!(trail.faults().await, expected);
}

#[actix_web::test]
async fn truncated_audit_trail_is_detected_by_logged_heads() {
    let mut trail = Trail::sealed().await;
    let heads = trail.heads().await;
    let (last, events) = (
        trail.number("select max(batch) from security_event_seals").await,
        trail.number("select cardinality(seqs)::bigint from security_event_seals order by batch desc limit 1").await,
    );
    trail
        .execute(
            "delete from security_events where seq in (select unnest(seqs) from (
            select seqs from security_event_seals order by batch desc limit 1) last)",
        )
        .await;
    trail.execute("delete from security_event_seals where batch = (select max(batch) from security_event_seals)").await;
    // Without the heads from the log, a truncation is not detected.
    assert_eq!(trail.faults().await, []);
    assert_eq!(trail.report(Some(&heads)).await.faults, [Fault::CutOff { batch: last, events }]);
    // Forged heads must be detected. Otherwise an attacker could replace the heads in the log.
    let forged = heads.replace("strongroom-head.1.", "strongroom-head.9.");
    assert!(trail.report(Some(&forged)).await.faults.contains(&Fault::ForgedHead { number: 1 }));
}

#[actix_web::test]
async fn valid_event_that_was_never_sealed_is_detected() {
    let mut trail = Trail::sealed().await;
    trail.execute("delete from security_event_seals where batch = (select max(batch) from security_event_seals)").await;
    let late = Clock::default().now() + MAX_SEAL_AGE;
    let report = verify(&mut trail.owner, &trail.keys, None, late).await.unwrap();
    assert!(!report.faults.is_empty(), "{report}");
    assert!(report.faults.iter().all(|fault| matches!(fault, Fault::NeverSealed { .. })), "{report}");
}

#[actix_web::test]
async fn verify_command_prints_faults_and_sets_exit_code() {
    let mut trail = Trail::sealed().await;
    let heads = folder::new_path();
    std::fs::write(&heads, trail.heads().await).unwrap();
    let owner = trail.database.options(Role::Owner).to_url_lossy().to_string();
    let run = |arguments: &[&str], master: &str| {
        let done = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .args(arguments)
            .env_clear()
            .env("STRONGROOM_DATABASE_OWNER_URL", &owner)
            .env(MASTER.0, master)
            .output()
            .unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap())
    };
    let verify = ["audit", "verify", "--heads", heads.to_str().unwrap()];
    let (code, output) = run(&verify, MASTER.1);
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("No faults:") && output.contains("heads from the log compared"), "{output}");
    let (code, output) = run(&["audit", "verify"], MASTER.1);
    assert!(code == Some(0) && output.contains("truncation would not be detected"), "{output}");
    trail
        .execute("delete from security_events where seq = (select seqs[1] from security_event_seals where batch = 1)")
        .await;
    let (code, output) = run(&verify, MASTER.1);
    assert!(code == Some(1) && output.contains("FAULT deleted: row "), "{output}");
    let (code, key) = run(&["audit", "key"], MASTER.1);
    let (id, key) = key.trim().split_once(' ').unwrap();
    assert_eq!((code, id, key.len()), (Some(0), trail.keys.id().to_string().as_str(), 64));
    std::fs::remove_file(heads).unwrap();
    trail.owner.close().await.unwrap();
}
