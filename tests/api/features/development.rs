//! The embedded PostgreSQL servers: the durable server of `cargo run`, and the temporary server of `cargo test`.

use std::fs;
use std::path::PathBuf;

use sqlx::{ConnectOptions, Connection, Executor};
use strongroom::dev::postgres::{self, DATABASE, DevServer, DevServerConfig, EmbeddedError, Role};

use crate::support::database::TestDatabase;
use crate::support::folder;

/// A temporary folder in place of the Git checkout.
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

    async fn start_error(&self) -> EmbeddedError {
        DevServer::start(&self.config()).await.expect_err("the server must not start")
    }

    async fn remove(self) {
        postgres::dev::reset(&self.config()).await.unwrap();
        fs::remove_dir(&self.0).expect("the test must create nothing but .strongroom");
    }
}

async fn insert_note(server: &DevServer, note: &str) {
    let mut owner = server.options(Role::Owner, DATABASE).connect().await.unwrap();
    owner.execute("create table if not exists notes (note text)").await.unwrap();
    sqlx::query("insert into notes values ($1)").bind(note).execute(&mut owner).await.unwrap();
    owner.close().await.unwrap();
}

async fn notes(server: &DevServer) -> Vec<String> {
    let mut owner = server.options(Role::Owner, DATABASE).connect().await.unwrap();
    sqlx::query_scalar("select note from notes").fetch_all(&mut owner).await.unwrap()
}

#[tokio::test]
async fn development_database_survives_a_restart_but_not_a_reset() {
    let checkout = Checkout::new();
    let server = checkout.start().await;
    let folder = server.data_dir().to_owned();
    insert_note(&server, "here").await;

    let second = checkout.start_error().await;
    assert!(matches!(&second, EmbeddedError::AlreadyRunning { pid } if *pid == std::process::id().to_string()));
    let reset = postgres::dev::reset(&checkout.config()).await.unwrap_err();
    assert!(matches!(reset, EmbeddedError::AlreadyRunning { .. }), "{reset}");
    assert_eq!(notes(&server).await, ["here"], "the second start and the reset changed nothing");

    server.stop().await.unwrap();
    let server = checkout.start().await;
    assert_eq!(server.data_dir(), folder);
    assert_eq!(notes(&server).await, ["here"]);
    server.stop().await.unwrap();

    let removed = postgres::dev::reset(&checkout.config()).await.unwrap();
    assert!(removed.contains(&folder), "{removed:?}");
    assert!(!folder.exists());
    checkout.remove().await;
}

#[tokio::test]
async fn database_roles_have_least_privilege() {
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
    let is_privileged: bool =
        sqlx::query_scalar("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
            .fetch_one(&mut owner)
            .await
            .unwrap();
    assert!(!is_privileged);
    server.stop().await.unwrap();
    checkout.remove().await;
}

#[tokio::test]
async fn damaged_data_folder_is_reported_in_one_sentence() {
    let checkout = Checkout::new();
    let server = checkout.start().await;
    let data = server.data_dir().join("data");
    server.stop().await.unwrap();

    fs::rename(data.join("global"), data.join("gone")).unwrap();
    let broken = checkout.start_error().await;
    assert!(matches!(broken, EmbeddedError::DidNotStart { .. }), "{broken}");
    assert_helpful(&broken);

    fs::write(data.join("PG_VERSION"), "3\n").unwrap();
    let foreign = checkout.start_error().await;
    assert!(matches!(foreign, EmbeddedError::OtherVersion { major: 3, .. }), "{foreign}");
    assert_helpful(&foreign);

    fs::remove_file(data.join("PG_VERSION")).unwrap();
    let half = checkout.start_error().await;
    assert!(matches!(half, EmbeddedError::Incomplete(_)), "{half}");
    assert_helpful(&half);

    let mut config = checkout.config();
    config.pg_bin = Some(data.with_file_name("none"));
    fs::remove_dir_all(&data).unwrap();
    let missing = DevServer::start(&config).await.unwrap_err();
    assert!(matches!(missing, EmbeddedError::NoProgramsIn(_)), "{missing}");
    assert_helpful(&missing);
    checkout.remove().await;
}

fn assert_helpful(error: &EmbeddedError) {
    let message = error.to_string();
    assert!(message.ends_with('.') && message.contains(": ") && !message.contains('\n'), "{message}");
}

/// As in production, the schema's owner applies the migrations and owns the tables.
#[tokio::test]
async fn each_test_has_its_own_database() {
    let (mine, other) = (TestDatabase::create().await, TestDatabase::create().await);
    let mut app = mine.options(Role::App).connect().await.unwrap();
    let users: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&mut app).await.unwrap();
    assert_eq!(users, 0);
    app.execute("drop table users cascade").await.expect_err("the service's role must not own the table");
    let mut owner = mine.options(Role::Owner).connect().await.unwrap();
    owner.execute("drop table users cascade").await.expect("the schema's owner must own the table");

    let mut elsewhere = other.options(Role::App).connect().await.unwrap();
    elsewhere.execute("select from users").await.expect("the other database must be unchanged");

    // When the last clone is dropped, the database is dropped too, even if connections are open.
    let options = mine.options(Role::Superuser);
    let clone = mine.clone();
    drop(mine);
    options.connect().await.expect("still in use").close().await.unwrap();
    drop(clone);
    options.connect().await.expect_err("the database was dropped");
}

/// A setting chooses the state folder, which may contain files of other programs.
#[tokio::test]
async fn reset_keeps_files_of_other_programs() {
    let checkout = Checkout::new();
    let folder = checkout.0.join(".strongroom");
    fs::create_dir_all(folder.join("mail")).unwrap();
    fs::write(folder.join("mail/1.eml"), "ours").unwrap();
    fs::write(folder.join("thesis.txt"), "theirs").unwrap();
    let removed = postgres::dev::reset(&checkout.config()).await.unwrap();
    assert!(removed.contains(&fs::canonicalize(&folder).unwrap().join("mail")), "{removed:?}");
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["thesis.txt"]);
    fs::remove_file(folder.join("thesis.txt")).unwrap();
    checkout.remove().await;
}
