//! The databases of `cargo run` and `cargo test`: they start by themselves, keep or forget as they should, and leave
//! nothing behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sqlx::{ConnectOptions, Connection, Executor};
use strongroom::db::embedded::{self, DATABASE, DevServer, DevServerConfig, EmbeddedError, Role};
use uuid::Uuid;

use crate::support::database::TestDatabase;

/// A checkout that is removed with all its data.
struct Checkout(PathBuf);

impl Checkout {
    fn new() -> Self {
        let name = Uuid::new_v4().simple().to_string();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name[..8]);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn config(&self) -> DevServerConfig {
        DevServerConfig {
            state_dir: self.0.join(".strongroom"),
            pg_bin: std::env::var_os("PG_BIN").map(PathBuf::from),
            path: std::env::var_os("PATH"),
            home: None,
        }
    }

    async fn start(&self) -> DevServer {
        DevServer::start(&self.config()).await.unwrap_or_else(|error| panic!("{error}"))
    }

    async fn refusal(&self) -> EmbeddedError {
        DevServer::start(&self.config()).await.expect_err("it should not start")
    }

    async fn remove(self) {
        embedded::dev::reset(&self.config()).await.unwrap();
        fs::remove_dir(&self.0).expect("nothing but .strongroom was made");
    }
}

async fn keep(server: &DevServer, note: &str) {
    let mut owner = server.options(Role::Owner, DATABASE).connect().await.unwrap();
    owner.execute("create table if not exists notes (note text)").await.unwrap();
    sqlx::query("insert into notes values ($1)").bind(note).execute(&mut owner).await.unwrap();
    owner.close().await.unwrap();
}

async fn kept(server: &DevServer) -> Vec<String> {
    let mut owner = server.options(Role::Owner, DATABASE).connect().await.unwrap();
    sqlx::query_scalar("select note from notes").fetch_all(&mut owner).await.unwrap()
}

#[tokio::test]
async fn the_development_database_survives_a_restart_and_not_a_reset() {
    let checkout = Checkout::new();
    let server = checkout.start().await;
    let folder = server.data_dir().to_owned();
    keep(&server, "here").await;

    let second = checkout.refusal().await;
    assert!(matches!(&second, EmbeddedError::AlreadyRunning { pid } if *pid == std::process::id().to_string()));
    let reset = embedded::dev::reset(&checkout.config()).await.unwrap_err();
    assert!(matches!(reset, EmbeddedError::AlreadyRunning { .. }), "{reset}");
    assert_eq!(kept(&server).await, ["here"], "neither the second start nor the reset did any harm");

    server.stop().await.unwrap();
    let server = checkout.start().await;
    assert_eq!(server.data_dir(), folder);
    assert_eq!(kept(&server).await, ["here"]);
    server.stop().await.unwrap();

    let removed = embedded::dev::reset(&checkout.config()).await.unwrap();
    assert!(removed.contains(&folder), "{removed:?}");
    assert!(!folder.exists());
    checkout.remove().await;
}

#[tokio::test]
async fn the_services_role_owns_nothing_and_bypasses_nothing() {
    let checkout = Checkout::new();
    let server = checkout.start().await;
    let mut app = server.options(Role::App, DATABASE).connect().await.unwrap();
    let powers: (bool, bool, bool, bool, bool) = sqlx::query_as(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, has_schema_privilege('public', 'create')
         from pg_roles where rolname = current_user",
    )
    .fetch_one(&mut app)
    .await
    .unwrap();
    assert_eq!(powers, (false, false, false, false, false));
    let mut owner = server.options(Role::Owner, DATABASE).connect().await.unwrap();
    let mighty: bool = sqlx::query_scalar("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert!(!mighty);
    server.stop().await.unwrap();
    checkout.remove().await;
}

/// SIGKILL cannot be caught, so nothing of ours runs: the kernel closes the pipe, and the shell ends PostgreSQL.
#[tokio::test]
async fn after_sigkill_the_database_ends_by_itself_and_the_next_start_has_every_row() {
    let checkout = Checkout::new();
    let mut service = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "features::development::play_a_service", "--nocapture"])
        .env(CHECKOUT, &checkout.0)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let ready = checkout.0.join("ready");
    wait_until(|| ready.exists()).await;
    let folder = fs::read_to_string(&ready).unwrap();
    fs::remove_file(&ready).unwrap();
    service.kill().unwrap();
    service.wait().unwrap();

    let server = checkout.start().await;
    assert_eq!(kept(&server).await, ["acknowledged"]);

    // And with nobody starting anew: its pid file goes when it has ended in order.
    drop(server);
    let pid = Path::new(&folder).join("data/postmaster.pid");
    wait_until(|| !pid.exists()).await;
    checkout.remove().await;
}

const CHECKOUT: &str = "STRONGROOM_TEST_CHECKOUT";

/// Not a test: the process that the one above kills.
#[tokio::test]
async fn play_a_service() {
    let Some(folder) = std::env::var_os(CHECKOUT) else {
        return;
    };
    let checkout = Checkout(folder.into());
    let server = checkout.start().await;
    keep(&server, "acknowledged").await;
    fs::write(checkout.0.join("unready"), server.data_dir().as_os_str().as_encoded_bytes()).unwrap();
    fs::rename(checkout.0.join("unready"), checkout.0.join("ready")).unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
}

async fn wait_until(is_so: impl Fn() -> bool) {
    for _ in 0..6000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within 30 seconds");
}

#[tokio::test]
async fn a_broken_data_folder_is_named_in_one_sentence() {
    let checkout = Checkout::new();
    let server = checkout.start().await;
    let data = server.data_dir().join("data");
    server.stop().await.unwrap();

    fs::rename(data.join("global"), data.join("gone")).unwrap();
    let broken = checkout.refusal().await;
    assert!(matches!(broken, EmbeddedError::DidNotStart { .. }), "{broken}");
    says_what_to_do(&broken);

    fs::write(data.join("PG_VERSION"), "3\n").unwrap();
    let foreign = checkout.refusal().await;
    assert!(matches!(foreign, EmbeddedError::OtherVersion { major: 3, .. }), "{foreign}");
    says_what_to_do(&foreign);

    fs::remove_file(data.join("PG_VERSION")).unwrap();
    let half = checkout.refusal().await;
    assert!(matches!(half, EmbeddedError::Incomplete(_)), "{half}");
    says_what_to_do(&half);

    let mut config = checkout.config();
    config.pg_bin = Some(data.with_file_name("none"));
    fs::remove_dir_all(&data).unwrap();
    let missing = DevServer::start(&config).await.unwrap_err();
    assert!(matches!(missing, EmbeddedError::NoProgramsIn(_)), "{missing}");
    says_what_to_do(&missing);
    checkout.remove().await;
}

fn says_what_to_do(error: &EmbeddedError) {
    let said = error.to_string();
    assert!(said.ends_with('.') && said.contains(": ") && !said.contains('\n'), "{said}");
}

/// The template is migrated by the role that migrates in production, so the tables belong to it and not to the service.
#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let (mine, other) = (TestDatabase::create().await, TestDatabase::create().await);
    let mut app = mine.options(Role::App).connect().await.unwrap();
    let users: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&mut app).await.unwrap();
    assert_eq!(users, 0);
    app.execute("drop table users cascade").await.expect_err("the service is not the owner");
    let mut owner = mine.options(Role::Owner).connect().await.unwrap();
    owner.execute("drop table users cascade").await.expect("who migrated is");

    let mut elsewhere = other.options(Role::App).connect().await.unwrap();
    elsewhere.execute("select from users").await.expect("the other test's are still there");

    // With connections still open, and not before the last clone.
    let options = mine.options(Role::Superuser);
    let clone = mine.clone();
    drop(mine);
    options.connect().await.expect("still in use").close().await.unwrap();
    drop(clone);
    options.connect().await.expect_err("it is gone");
}

/// The folder's name comes from a setting: a reset takes what is Strongroom's and leaves the rest.
#[tokio::test]
async fn a_reset_removes_nothing_that_is_not_ours() {
    let checkout = Checkout::new();
    let folder = checkout.0.join(".strongroom");
    fs::create_dir_all(folder.join("mail")).unwrap();
    fs::write(folder.join("mail/1.eml"), "ours").unwrap();
    fs::write(folder.join("thesis.txt"), "theirs").unwrap();
    let removed = embedded::dev::reset(&checkout.config()).await.unwrap();
    assert!(removed.contains(&fs::canonicalize(&folder).unwrap().join("mail")), "{removed:?}");
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["thesis.txt"]);
    fs::remove_file(folder.join("thesis.txt")).unwrap();
    checkout.remove().await;
}
