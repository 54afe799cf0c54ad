//! API8:2023: rotation of the master key (CWE-324), with the steps of `docs/administration.md`. No request fails during
//! the rotation. After it, the old key signs nothing, and `audit verify` finds no fault.

use std::cell::{Cell, RefCell};
use std::process::Command;

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::json;
use sqlx::ConnectOptions;
use strongroom::security::crypto::keys::Keys;
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::attacks::authentication::device_cookies::lock;
use crate::support::actor::{PASSWORD, device_cookie, refresh, refresh_cookie, reset_token, try_sign_in_with};
use crate::support::database::{Role, TestDatabase};
use crate::support::folder;
use crate::support::{Actor, TestApp, wait};

const MASTER: &str = "STRONGROOM_SECRETS_MASTER_KEY";
const PREVIOUS: &str = "STRONGROOM_SECRETS_PREVIOUS_MASTER_KEY";
const OLD: &str = "q9Xv3TzK7mWb1LcR5nYd8sHf2JgP6uEa0oIiVxNtQwZr4BkM";
const NEW: &str = "bT9Zq3xJ0uN5yRk1GvW7sPd2HcLfE8aMoI6tVzXwQ4nBeKjU";
const JWT: (&str, &str) = ("STRONGROOM_JWT_KEY", "hU6yGt5RfE4dWs3QaZx2CvB1nMkL0pOi9uJ8hY7gTfR6eDw5");

/// Starts a replica that signs with the current key, and also accepts what the optional second key signed.
async fn replica(database: TestDatabase, current: &str, other: Option<&str>) -> TestApp {
    let mut settings = vec![JWT, (MASTER, current)];
    settings.extend(other.map(|other| (PREVIOUS, other)));
    let app = TestApp::on(database, &settings).await;
    app.wait_until_listening().await;
    app
}

fn id_of(key: &str) -> String {
    Keys::new(&key.as_bytes().to_vec().into()).unwrap().id().to_string()
}

fn verify(database: &TestDatabase, keys: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["audit", "verify"])
        .args(arguments)
        .env_clear()
        .env("STRONGROOM_DATABASE_OWNER_URL", database.options(Role::Owner).to_url_lossy().as_str())
        .envs(keys.iter().copied())
        .output()
        .unwrap();
    let output = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8(output).unwrap())
}

async fn cursor(user: &Actor) -> String {
    let reply = user.get("/api/v1/customers?limit=1").await.ok(200);
    reply.json()["next_cursor"].as_str().expect("a second page").to_owned()
}

fn next_page(cursor: &str) -> String {
    format!("/api/v1/customers?limit=1&cursor={cursor}")
}

/// Returns this user with a client of this replica.
fn at(app: &TestApp, user: &Actor) -> Actor {
    Actor { client: app.anonymous(), token: user.token.clone(), ..Actor::anonymous(app) }
}

async fn request_reset(app: &TestApp, user: &Actor) {
    let body = json!({"email": user.email});
    app.anonymous().request(Method::POST, "/api/v1/auth/password-reset").json(&body).send().await.ok(202);
}

async fn choose_password(app: &TestApp, token: &str) {
    let body = json!({"token": token, "new_password": "another horse battery 7"});
    app.anonymous().request(Method::POST, "/api/v1/auth/password-reset/confirm").json(&body).send().await.ok(204);
}

/// Two replicas behind a proxy. While a replica restarts, the proxy sends it no requests.
struct Fleet {
    replicas: [RwLock<Option<TestApp>>; 2],
    /// How many rounds of requests each user has completed.
    turns: RefCell<Vec<usize>>,
    is_done: Cell<bool>,
}

impl Fleet {
    /// Returns the next replica that is not restarting.
    async fn next(&self, turn: usize) -> RwLockReadGuard<'_, TestApp> {
        let guard = match self.replicas[turn % 2].try_read() {
            Ok(guard) => guard,
            Err(_) => self.replicas[(turn + 1) % 2].read().await,
        };
        RwLockReadGuard::map(guard, |app| app.as_ref().unwrap())
    }

    /// Restarts the replicas one after the other, and waits for two rounds of every user.
    async fn roll(&self, current: &str, other: Option<&str>) {
        for place in &self.replicas {
            let mut place = place.write().await;
            let database = place.take().unwrap().stop().await;
            *place = Some(replica(database, current, other).await);
        }
        let before = self.turns.borrow().clone();
        let worked = async || self.turns.borrow().iter().zip(&before).all(|(now, before)| *now >= before + 2);
        wait::until("every user completes two rounds", worked).await;
    }

    /// Refreshes the token, reads the next page of a list and logs in, on alternating replicas.
    async fn browse(&self, user: &Actor, place: usize) {
        let (mut cookie, mut device) = (user.cookie.clone(), user.device.clone());
        let mut page = {
            let app = self.next(place).await;
            cursor(&at(&app, user)).await
        };
        while !self.is_done.get() {
            let turn = self.turns.borrow()[place];
            let app = self.next(turn).await;
            let renewed = refresh(&app, &app.anonymous(), &cookie).await.ok(200);
            let token = renewed.json()["access_token"].as_str().unwrap().to_owned();
            drop(app);
            let app = self.next(turn + 1).await;
            let there = Actor { client: app.anonymous(), token, ..Actor::anonymous(&app) };
            there.get(&next_page(&page)).await.ok(200);
            page = cursor(&there).await;
            drop(app);
            let app = self.next(turn).await;
            let signed_in = try_sign_in_with(&app.anonymous(), &user.email, PASSWORD, &device).await.ok(200);
            device = device_cookie(&signed_in).unwrap();
            cookie = refresh_cookie(&signed_in).unwrap();
            self.turns.borrow_mut()[place] += 1;
        }
    }
}

#[actix_web::test]
async fn key_rotation_under_traffic_fails_no_request_and_leaves_one_event() {
    let database = TestDatabase::create().await;
    let first = replica(database.clone(), OLD, None).await;
    let second = replica(database.clone(), OLD, None).await;
    let mut users = Vec::new();
    for name in ["ann", "ben", "cleo"] {
        let user = first.user(name).await;
        user.customer().await;
        user.customer().await;
        users.push(user);
    }
    let fleet = Fleet {
        replicas: [first, second].map(|app| RwLock::new(Some(app))),
        turns: RefCell::new(vec![0; users.len()]),
        is_done: Cell::new(false),
    };
    let browsing = users.iter().enumerate().map(|(place, user)| fleet.browse(user, place));
    let rolling = async {
        fleet.roll(OLD, Some(NEW)).await;
        fleet.roll(NEW, Some(OLD)).await;
        fleet.roll(NEW, None).await;
        fleet.is_done.set(true);
    };
    join(join_all(browsing), rolling).await;
    for place in &fleet.replicas {
        place.write().await.take().unwrap().stop().await;
    }
    let (code, output) = verify(&database, &[(MASTER, NEW), (PREVIOUS, OLD)], &[]);
    assert!(code == Some(0) && output.contains("No faults:"), "{output}");
    let mut owner = database.options(Role::Owner).connect().await.unwrap();
    let changes: Vec<(String, bool)> = sqlx::query_as(
        "select subject, exists (select from security_event_seals s where e.seq = any(s.seqs))
         from security_events e where kind = 'sys_key_changed'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(changes, [(format!("{}{}", id_of(OLD), id_of(NEW)), true)]);
}

#[actix_web::test]
async fn previous_master_key_verifies_until_removed_and_never_signs() {
    let app = replica(TestDatabase::create().await, OLD, None).await;
    let alice = app.user("alice").await;
    alice.customer().await;
    alice.customer().await;
    let before = cursor(&alice).await;
    let unused = Actor::sign_in(&app.anonymous(), &alice.email, PASSWORD).await;
    request_reset(&app, &alice).await;
    let link = reset_token(&app, &alice.email, "").await;

    let app = replica(app.stop().await, NEW, Some(OLD)).await;
    at(&app, &alice).get(&next_page(&before)).await.ok(200);
    let renewed = refresh(&app, &app.anonymous(), &alice.cookie).await.ok(200);
    let renewed = refresh_cookie(&renewed).unwrap();
    let after = cursor(&at(&app, &alice)).await;
    // On a locked account, only a client with a valid device cookie can log in.
    // Each master key has its own lock, because the name of the lock's counter is a hash with this key.
    lock(&app, &alice.email).await;
    let sign_in =
        async |app: &TestApp, device: &str| try_sign_in_with(&app.anonymous(), &alice.email, PASSWORD, device).await;
    let renewed_device = device_cookie(&sign_in(&app, &alice.device).await.ok(200)).unwrap();

    // A replica with only the old key refuses what the new key signed.
    let app = replica(app.stop().await, OLD, None).await;
    at(&app, &alice).get(&next_page(&before)).await.ok(200);
    at(&app, &alice).get(&next_page(&after)).await.assert_invalid_field("/cursor");
    refresh(&app, &app.anonymous(), &renewed).await.assert_refused(401, "unauthenticated");
    lock(&app, &alice.email).await;
    sign_in(&app, &renewed_device).await.assert_refused(401, "invalid_credentials");

    // A replica with only the new key refuses what the old key signed. A reset link has no signature, so it works.
    let app = replica(app.stop().await, NEW, None).await;
    at(&app, &alice).get(&next_page(&after)).await.ok(200);
    at(&app, &alice).get(&next_page(&before)).await.assert_invalid_field("/cursor");
    refresh(&app, &app.anonymous(), &unused.cookie).await.assert_refused(401, "unauthenticated");
    refresh(&app, &app.anonymous(), &renewed).await.ok(200);
    sign_in(&app, &alice.device).await.assert_refused(401, "invalid_credentials");
    sign_in(&app, &renewed_device).await.ok(200);
    choose_password(&app, &link).await;
}

#[actix_web::test]
async fn replay_within_grace_at_replica_with_other_key_gets_newest_token() {
    let database = TestDatabase::create().await;
    let (old, new) = (replica(database.clone(), OLD, Some(NEW)).await, replica(database, NEW, Some(OLD)).await);
    let alice = old.user("alice").await;
    let renew = async |app: &TestApp, cookie: &str| {
        let reply = refresh(app, &app.anonymous(), cookie).await.ok(200);
        refresh_cookie(&reply).unwrap()
    };
    // The old key derived the second refresh token of the session, and the new key the third one.
    let second = renew(&old, &alice.cookie).await;
    let late = renew(&new, &alice.cookie).await;
    let third = renew(&new, &late).await;
    assert_ne!(third, second);
    for app in [&old, &new] {
        for used in [&alice.cookie, &second] {
            let newest = renew(app, used).await;
            assert_ne!([&newest, &newest], [&alice.cookie, &second]);
        }
    }
    let sessions: i64 = sqlx::query_scalar("select count(*) from sessions where ended_at is not null")
        .fetch_one(&new.all_rows)
        .await
        .unwrap();
    assert_eq!(sessions, 0, "the service must treat no replay as theft");
    let fourth = renew(&old, &third).await;
    assert_ne!(fourth, third);
}

#[actix_web::test]
async fn mail_queued_before_key_rotation_contains_working_link() {
    let app = replica(TestDatabase::create().await, OLD, None).await;
    let alice = app.user("alice").await;
    // A file in place of the mail folder prevents all deliveries.
    let folder = app.state_dir.join("mail");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "").unwrap();
    request_reset(&app, &alice).await;
    let tried = async || {
        let attempts: i64 =
            sqlx::query_scalar("select count(*) from outbox where queue = 'mail' and done_at is null and attempts > 0")
                .fetch_one(&app.all_rows)
                .await
                .unwrap();
        attempts == 1
    };
    wait::until("a failed delivery", tried).await;
    let app = replica(app.stop().await, NEW, Some(OLD)).await;
    sqlx::query("update outbox set next_attempt_at = created_at").execute(&app.all_rows).await.unwrap();
    let token = reset_token(&app, &alice.email, "").await;
    choose_password(&app, &token).await;
}

#[actix_web::test]
async fn audit_verify_reports_missing_key_and_accepts_retired_keys() {
    let app = replica(TestDatabase::create().await, OLD, None).await;
    app.anonymous().request(Method::GET, "/api/v1/me").send().await.assert_refused(401, "unauthenticated");
    let app = replica(app.stop().await, NEW, Some(OLD)).await;
    app.anonymous().request(Method::GET, "/api/v1/me").send().await.assert_refused(401, "unauthenticated");
    let database = app.stop().await;
    for missing in [OLD, NEW] {
        let given = if missing == OLD { NEW } else { OLD };
        let (code, output) = verify(&database, &[(MASTER, given)], &[]);
        assert_eq!((code, output.matches("FAULT").count()), (Some(1), 1), "{output}");
        assert!(output.contains(&format!("with master key {}, which was not given", id_of(missing))), "{output}");
    }
    let file = folder::new_path();
    std::fs::write(&file, format!("{OLD}\n")).unwrap();
    let retired = ["--retired-key-file", file.to_str().unwrap()];
    let third = "k7Qw2Lr9Zt5Xv1Bn8Mc4Hd6Gf3Js0PaYeUiOxTzRq";
    for (keys, arguments) in [
        (vec![(MASTER, NEW), (PREVIOUS, OLD)], vec![]),
        (vec![(MASTER, NEW)], retired.to_vec()),
        (vec![(MASTER, NEW), (PREVIOUS, third)], retired.repeat(2)),
    ] {
        let (code, output) = verify(&database, &keys, &arguments);
        assert!(code == Some(0) && output.contains("No faults:"), "{output}");
    }
    let (code, output) = verify(&database, &[(MASTER, NEW)], &["--retired-key-file", "/nowhere"]);
    assert!(code == Some(1) && output.contains("--retired-key-file names a file that cannot be read"), "{output}");
    std::fs::remove_file(file).unwrap();
}
