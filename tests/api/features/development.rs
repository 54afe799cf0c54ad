//! The databases of `cargo run` and `cargo test`: they start by themselves, keep or forget as they should, and leave
//! nothing behind.

use std::fs;
use std::path::PathBuf;

use sqlx::{ConnectOptions, Connection, Executor};
use strongroom::db::embedded::{self, DATABASE, DevServer, DevServerConfig, EmbeddedError, Role};

use crate::support::database::TestDatabase;
use crate::support::folder;

/// A checkout that is removed with all its data.
struct Checkout(PathBuf);

impl Checkout {
    fn new() -> Self {
        let folder = folder::new_path();
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
