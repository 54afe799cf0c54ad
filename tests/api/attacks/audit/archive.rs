//! ASVS 16.4.2, 14.2.7: only `audit archive` may remove old events. `audit verify` then accepts the archive and the
//! remaining events. If a batch was removed in any other way, `audit verify` reports a fault.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use chrono::TimeDelta;
use reqwest::Method;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use strongroom::base::clock::Clock;

use crate::support::app::settings;
use crate::support::database::{Role, TestDatabase};
use crate::support::folder;
use crate::support::{TestApp, logs};

const MASTER: (&str, &str) = ("STRONGROOM_SECRETS_MASTER_KEY", "c2VhbHMgYXJlIG1hZGUgd2l0aCB0aGlzIG9uZSwgaW4gdGVzdHM");
const NEXT: &str = "bT9Zq3xJ0uN5yRk1GvW7sPd2HcLfE8aMoI6tVzXwQ4nBeKjU";

struct Trail {
    database: TestDatabase,
    superuser: PgConnection,
    folder: PathBuf,
}

impl Drop for Trail {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Trail {
    /// Creates events that were sealed 70 days ago, 40 days ago and today.
    async fn with_three_months() -> Self {
        let mut database = TestDatabase::create().await;
        for days in [70, 40, 0] {
            database = leave_events(database, days).await;
        }
        let superuser = database.options(Role::Superuser).connect().await.unwrap();
        let folder = folder::new_path();
        fs::create_dir(&folder).unwrap();
        Self { database, superuser, folder }
    }

    /// Runs `strongroom audit …` with the URL of this database role.
    fn audit(&self, role: Role, arguments: &[&str]) -> (Option<i32>, String) {
        self.audit_with_key(MASTER.1, role, arguments)
    }

    fn audit_with_key(&self, key: &str, role: Role, arguments: &[&str]) -> (Option<i32>, String) {
        let done = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .arg("audit")
            .args(arguments)
            .env_clear()
            .env("STRONGROOM_DATABASE_OWNER_URL", self.database.options(role).to_url_lossy().to_string())
            .env(MASTER.0, key)
            .output()
            .unwrap();
        let printed = [done.stdout, done.stderr].concat();
        (done.status.code(), String::from_utf8(printed).unwrap())
    }

    /// Archives all events that were sealed before this month.
    fn archive(&self, role: Role) -> (Option<i32>, String) {
        let this_month = Clock::default().now().format("%Y-%m").to_string();
        self.audit(role, &["archive", "--before", &this_month, "--to", self.folder.to_str().unwrap()])
    }

    fn verify_with_archive(&self) -> (Option<i32>, String) {
        self.audit(Role::Owner, &["verify", "--archive", self.folder.to_str().unwrap()])
    }

    fn files(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    async fn number(&mut self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.superuser).await.unwrap()
    }

    async fn size(&mut self) -> (i64, i64) {
        let rows = self.number("select count(*) from security_events").await;
        (rows, self.number("select count(*) from security_event_seals").await)
    }
}

/// Records events with a clock that is `days_ago` days in the past.
async fn leave_events(database: TestDatabase, days_ago: i64) -> TestDatabase {
    let clock = Clock::default();
    clock.advance(-TimeDelta::days(days_ago));
    let state_dir = folder::new_path();
    let app = TestApp::serve(settings(&state_dir, &[MASTER]), None, database, clock, state_dir);
    for _ in 0..3 {
        app.anonymous().request(Method::GET, "/api/v1/me").send().await.assert_refused(401, "unauthenticated");
    }
    app.stop().await
}

#[actix_web::test]
async fn archived_months_leave_the_database_and_still_verify() {
    let mut trail = Trail::with_three_months().await;
    let (rows, seals) = trail.size().await;
    let macs: Vec<String> = sqlx::query_scalar("select encode(mac, 'hex') from security_event_seals")
        .fetch_all(&mut trail.superuser)
        .await
        .unwrap();
    let old = "select count(*) from security_events where at < now() - interval '30 days'";
    let archived = trail.number(old).await;
    assert!(archived >= 6);
    let (code, output) = trail.archive(Role::Owner);
    assert!(code == Some(0) && output.contains(&format!("Archived {archived} events in ")), "{output}");
    assert_eq!((trail.number(old).await, trail.files().len()), (0, 1));
    let (left, seals_left) = trail.size().await;
    assert_eq!(left, rows - archived + 1, "the remaining rows, and the event of the archive command");
    let event = "select amount from security_events where kind = 'sys_audit_archived'";
    assert_eq!(
        trail.number(event).await,
        seals - seals_left,
        "the event contains the number of the last archived batch"
    );

    let (code, output) = trail.audit(Role::Owner, &["verify"]);
    let until = format!("Batches up to {} were archived", seals - seals_left);
    assert!(code == Some(0) && output.contains(&until), "{output}");
    let heads = trail.folder.join("heads.txt");
    fs::write(&heads, macs.iter().map(|mac| logs::first_containing(mac).unwrap()).collect::<String>()).unwrap();
    let folder = trail.folder.to_str().unwrap();
    let (code, output) = trail.audit(Role::Owner, &["verify", "--heads", heads.to_str().unwrap(), "--archive", folder]);
    assert!(code == Some(0) && output.contains("The archive was read, from batch 1 on."), "{output}");
    assert!(output.contains(&format!("{seals} seals, {rows} sealed events")), "{output}");
    let (code, output) = trail.archive(Role::Owner);
    assert!(code == Some(0) && output.contains("There are no sealed events before that month."), "{output}");
    trail.database = leave_events(trail.database.clone(), 0).await;
    let (code, output) = trail.verify_with_archive();
    assert_eq!(code, Some(0), "{output}");
}

/// A key rotation does not change the MACs of older events, so `audit archive` needs the retired key.
#[actix_web::test]
async fn months_signed_by_retired_key_are_archived_only_with_that_key() {
    let mut trail = Trail::with_three_months().await;
    let before = trail.size().await;
    let this_month = Clock::default().now().format("%Y-%m").to_string();
    let folder = trail.folder.to_str().unwrap().to_owned();
    let archive = ["archive", "--before", &this_month, "--to", &folder];
    let (code, output) = trail.audit_with_key(NEXT, Role::Owner, &archive);
    assert!(code == Some(1) && output.contains("nothing was deleted"), "{output}");
    assert_eq!((trail.size().await, trail.files()), (before, Vec::new()));

    let file = folder::new_path();
    fs::write(&file, MASTER.1).unwrap();
    let retired = ["--retired-key-file", file.to_str().unwrap()];
    let (code, output) = trail.audit_with_key(NEXT, Role::Owner, &[&archive[..], &retired].concat());
    assert!(code == Some(0) && output.contains(" events in "), "{output}");
    let verify = ["verify", "--archive", &folder];
    let (code, output) = trail.audit_with_key(NEXT, Role::Owner, &[&verify[..], &retired].concat());
    assert!(code == Some(0) && output.contains("The archive was read, from batch 1 on."), "{output}");
    fs::remove_file(file).unwrap();
}

#[actix_web::test]
async fn tampered_archive_is_detected() {
    let trail = Trail::with_three_months().await;
    assert_eq!(trail.archive(Role::Owner).0, Some(0));
    let file = trail.files().pop().unwrap();
    let sound = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = sound.lines().collect();
    let (first, last) = (lines[0], lines[lines.len() - 1]);
    let without_row = {
        let mut batch: serde_json::Value = serde_json::from_str(last).unwrap();
        batch["rows"].as_array_mut().unwrap().pop();
        sound.replace(last, &batch.to_string())
    };
    for (tampered, found) in [
        (sound.replacen("\"reason\":\"missing\"", "\"reason\":\"expired\"", 1), "edited: row"),
        (without_row, "deleted: row"),
        (sound.replace(last, ""), "edited: line"),
        (sound.replace(&format!("{last}\n"), ""), "missing seal: batch"),
        (format!("{}{first}\n", sound.replace(&format!("{first}\n"), "")), "missing seal: batch"),
        (sound.replacen("\"events\":", "\"events\":1", 1), "broken seal: batch 1"),
        (format!("{sound}{{}}\n"), "edited: line"),
    ] {
        fs::write(&file, &tampered).unwrap();
        let (code, output) = trail.verify_with_archive();
        assert!(code == Some(1) && output.contains(found), "{found}: {output}");
    }
    fs::write(&file, sound).unwrap();
    assert_eq!(trail.verify_with_archive().0, Some(0));
}

#[actix_web::test]
async fn batch_removed_without_archive_is_detected() {
    let mut trail = Trail::with_three_months().await;
    let mut owner = trail.database.options(Role::Owner).connect().await.unwrap();
    let remove = "begin; set local app.archiving = 'on';
        delete from security_events where seq in (select unnest(seqs) from security_event_seals where batch <= 1);
        delete from security_event_seals where batch <= 1; commit";
    owner.execute(remove).await.unwrap();
    let (code, output) = trail.audit(Role::Owner, &["verify"]);
    assert!(code == Some(1) && output.contains("missing seal: batch 1 was deleted"), "{output}");
    // The attacker forges the event with which `audit archive` explains a removed batch.
    // The forged event has the MAC of another row, because the attacker has no master key.
    let forged = "insert into security_events (id, at, kind, severity, reason, replica, amount, mac)
        select gen_random_uuid(), at, 'sys_audit_archived', 'warning', '', replica, 1, mac from security_events limit 1";
    owner.execute(forged).await.unwrap();
    let (code, output) = trail.audit(Role::Owner, &["verify"]);
    assert!(code == Some(1) && output.contains("missing seal: batch 1 was deleted"), "{output}");
    // `audit archive` must not remove the evidence of an attack.
    let before = trail.size().await;
    let (code, output) = trail.archive(Role::Owner);
    assert!(code == Some(1) && output.contains("nothing was deleted"), "{output}");
    assert_eq!((trail.size().await, trail.files()), (before, Vec::new()));
    owner.close().await.unwrap();
}

#[actix_web::test]
async fn service_role_cannot_archive() {
    let mut trail = Trail::with_three_months().await;
    let before = trail.size().await;
    let (code, output) = trail.archive(Role::App);
    assert_eq!(code, Some(1), "{output}");
    let mut app = trail.database.options(Role::App).connect().await.unwrap();
    app.execute("set app.archiving = 'on'").await.unwrap();
    for forbidden in ["delete from security_events", "delete from security_event_seals"] {
        let refused = app.execute(forbidden).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("42501"), "{forbidden}");
    }
    assert_eq!((trail.size().await, trail.files()), (before, Vec::new()));
    app.close().await.unwrap();
}
