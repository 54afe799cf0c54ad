//! The command line. Each error message is one sentence that says what to do. Read-only commands change nothing.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use strongroom::db::migrate::MIGRATOR;
use strongroom::db::service_role::OWNER;
use strongroom::dev::postgres::{DATABASE, DevServer, DevServerConfig, Role};

use crate::support::database::TestDatabase;
use crate::support::folder as test_folder;

/// A working folder for the program. The program gets only the settings of the test, and the variables that are
/// necessary to find PostgreSQL.
struct WorkingFolder(PathBuf);

impl WorkingFolder {
    fn new() -> Self {
        let folder = test_folder::new_path();
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn state(&self) -> PathBuf {
        self.0.join(".strongroom")
    }

    fn command(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.args(arguments).current_dir(&self.0).env_clear().stdin(Stdio::null());
        for name in ["PATH", "HOME", "PG_BIN"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        for bind in ["STRONGROOM_HTTP_BIND", "STRONGROOM_TLS_BIND", "STRONGROOM_MANAGEMENT_BIND"] {
            command.env(bind, "127.0.0.1:0");
        }
        command.env("STRONGROOM_DEV_STATE_DIR", self.state()).envs(settings.iter().copied());
        command
    }

    fn run(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
        self.command(arguments, settings).output().unwrap()
    }

    /// Runs a command that must succeed.
    fn output_of(&self, arguments: &[&str], settings: &[(&str, &str)]) -> String {
        let output = self.run(arguments, settings);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "");
        text(&output.stdout)
    }

    /// Runs a command that must fail with one line.
    fn error_of(&self, arguments: &[&str], settings: &[(&str, &str)]) -> String {
        let output = self.run(arguments, settings);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        let message = text(&output.stderr);
        let line = message.strip_prefix("strongroom: ").and_then(|rest| rest.strip_suffix('\n'));
        line.filter(|line| !line.contains('\n')).unwrap_or_else(|| panic!("not one line: {message}")).to_owned()
    }

    async fn development_database(&self) -> DevServer {
        let config = DevServerConfig {
            state_dir: self.state(),
            pg_bin: std::env::var_os("PG_BIN").map(PathBuf::from),
            path: std::env::var_os("PATH"),
            home: std::env::var_os("HOME").map(PathBuf::from),
        };
        DevServer::start(&config).await.unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Drop for WorkingFolder {
    fn drop(&mut self) {
        let _ = self.run(&["dev", "reset"], &[]);
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn url(options: PgConnectOptions) -> String {
    options.to_url_lossy().to_string()
}

/// Starts a PostgreSQL server that replies to each client with this error.
fn server_with_error(code: &'static str, message: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
            let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
            let _ = stream.unwrap().write_all(&[b"E", &length[..], fields.as_bytes()].concat());
        }
    });
    format!("postgres://strongroom_app@127.0.0.1:{port}/strongroom?sslmode=disable")
}

#[actix_web::test]
async fn database_errors_have_distinct_messages() {
    let (folder, database) = (WorkingFolder::new(), TestDatabase::create().await);
    let app = database.options(Role::App);
    let serve = |url: String| folder.error_of(&["serve"], &[("DATABASE_URL", &url)]);

    let missing = serve(url(app.clone().database("nowhere")));
    assert!(
        missing.contains("\"nowhere\" does not exist") && missing.contains("correct its name in its URL"),
        "{missing}"
    );
    let role = serve(url(app.clone().username("unknown_role")));
    assert!(role.contains("unknown_role") && role.contains("deploy/postgres/roles.sh"), "{role}");
    let unreachable = serve("postgres://strongroom_app@127.0.0.1:1/strongroom".to_owned());
    assert!(
        unreachable.starts_with("the database server is not reachable (") && unreachable.contains("host and port"),
        "{unreachable}"
    );

    let password = serve(server_with_error("28P01", "password authentication failed for user \"strongroom_app\""));
    assert_eq!(
        password,
        "the database rejected the password (password authentication failed for user \"strongroom_app\"): correct role and password in its URL"
    );
    let starting = serve(server_with_error("57P03", "the database system is starting up"));
    assert!(starting.ends_with("try again soon"), "{starting}");

    let owner_url = url(app);
    let privilege = folder.error_of(&["migrate"], &[("STRONGROOM_DATABASE_OWNER_URL", &owner_url)]);
    assert!(privilege.contains("lacks a privilege") && privilege.contains("strongroom_owner"), "{privilege}");
}

/// Creates an empty database on the same server as `beside`.
async fn empty_database(beside: &TestDatabase) -> (String, PgConnectOptions) {
    let name = format!("strongroom_test_1_{}", uuid::Uuid::new_v4().simple());
    let mut superuser = beside.options(Role::Superuser).connect().await.unwrap();
    superuser.execute(AssertSqlSafe(format!("create database {name} owner {OWNER}"))).await.unwrap();
    superuser.close().await.unwrap();
    (name.clone(), beside.options(Role::Owner).database(&name))
}

#[actix_web::test]
async fn unmigrated_database_is_reported_and_migrate_lists_what_it_applied() {
    let (folder, database) = (WorkingFolder::new(), TestDatabase::create().await);
    let (name, owner) = empty_database(&database).await;
    let (owner_url, app_url) = (url(owner), url(database.options(Role::App).database(&name)));
    let (as_owner, as_app) =
        ([("STRONGROOM_DATABASE_OWNER_URL", owner_url.as_str())], [("DATABASE_URL", app_url.as_str())]);
    let unmigrated = "the database schema is not up to date: run `strongroom migrate` first";
    assert_eq!(folder.error_of(&["serve"], &as_app), unmigrated);
    assert_eq!(folder.error_of(&["admin", "demote", "--email", "root@demo.example"], &as_owner), unmigrated);

    let first = folder.output_of(&["migrate"], &as_owner);
    let lines: Vec<&str> = first.lines().collect();
    let applied: Vec<String> =
        MIGRATOR.iter().map(|one| format!("applied {} {}", one.version, one.description)).collect();
    assert_eq!(lines[..applied.len()], applied);
    assert_eq!(
        lines[applied.len()..],
        [format!("The schema is up to date. {} migrations were applied.", applied.len())]
    );
    assert_eq!(folder.output_of(&["migrate"], &as_owner), "The schema is up to date. No migration was applied.\n");

    let mut owner = database.options(Role::Owner).database(&name).connect().await.unwrap();
    for (change, sentence) in [
        (
            "update _sqlx_migrations set checksum = '\\x00' where version = 1",
            "migration 1 was applied with a different content: use the build that applied it, or restore the database from a backup",
        ),
        (
            "update _sqlx_migrations set version = version + 20261123000000",
            "the database has migration 20261123000001, which is unknown to this build: use the newer build that applied it",
        ),
    ] {
        owner.execute(change).await.unwrap();
        // The message must not recommend `dev reset`, because the database may contain production data.
        assert_eq!(folder.error_of(&["migrate"], &as_owner), sentence);
    }
    owner.close().await.unwrap();
    let mut superuser = database.options(Role::Superuser).connect().await.unwrap();
    superuser.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await.unwrap();
    superuser.close().await.unwrap();
}

#[actix_web::test]
async fn development_database_of_another_build_leads_to_dev_reset() {
    let folder = WorkingFolder::new();
    assert!(folder.output_of(&["migrate"], &[]).contains("migrations were applied"));
    let changes = [
        // A migration was edited, so the checksum differs.
        "update _sqlx_migrations set checksum = '\\x00' where version = 2",
        // A migration that is no longer recorded runs again, and fails because its tables exist.
        "delete from _sqlx_migrations where version = 2",
        // A newer build has applied a migration that this build does not know.
        "update _sqlx_migrations set version = 99991231000000 where version = 2",
        // An older build numbered its migrations by date (`20261123000001`).
        "update _sqlx_migrations set version = version + 20261123000000",
    ];
    for change in changes {
        let server = folder.development_database().await;
        let mut owner = server.options(Role::Owner, DATABASE).connect().await.unwrap();
        owner.execute("create table kept as select * from _sqlx_migrations").await.unwrap();
        owner.execute(AssertSqlSafe(change)).await.unwrap();
        owner.close().await.unwrap();
        server.stop().await.unwrap();
        for command in ["serve", "migrate"] {
            let refusal = folder.error_of(&[command], &[]);
            assert!(refusal.starts_with("the development database does not match this build ("), "{change}: {refusal}");
            assert!(refusal.contains("`cargo run -- dev reset`"), "{change}: {refusal}");
        }
        let server = folder.development_database().await;
        let mut owner = server.options(Role::Owner, DATABASE).connect().await.unwrap();
        owner.execute("delete from _sqlx_migrations").await.unwrap();
        owner.execute("insert into _sqlx_migrations select * from kept").await.unwrap();
        owner.execute("drop table kept").await.unwrap();
        owner.close().await.unwrap();
        server.stop().await.unwrap();
    }
}

#[test]
fn check_config_refuses_a_broken_log_filter_and_writes_nothing() {
    let folder = WorkingFolder::new();
    assert_eq!(folder.output_of(&["check-config"], &[]), "The configuration is valid.\n");
    for broken in ["inof", "info,[", "info;sqlx=warn", "info, sqlx=warn", "info,sqlx=loud", "info,,", "=warn", "sqlx="]
    {
        let refused = folder.run(&["check-config"], &[("STRONGROOM_LOG_FILTER", broken)]);
        let message = text(&refused.stderr);
        assert!(message.contains("STRONGROOM_LOG_FILTER is not a list such as info,sqlx=warn"), "{broken}: {message}");
    }
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0, "nothing is written");
}

#[test]
fn closed_output_pipe_is_not_an_error() {
    let folder = WorkingFolder::new();
    let pages: [&[&str]; 5] = [&["openapi"], &["check-config"], &["audit", "key"], &["migrate"], &["audit", "verify"]];
    for arguments in pages {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = folder.command(arguments, &[]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
    }
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = folder.command(&["openapi"], &[]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert!(text(&output.stderr).starts_with("strongroom: failed to write the output ("), "{}", text(&output.stderr));
}

#[test]
fn invalid_arguments_of_admin_are_reported() {
    let folder = WorkingFolder::new();
    let create = |email, name| folder.error_of(&["admin", "create", "--email", email, "--name", name], &[]);
    assert_eq!(create("notmail", "Root"), "--email must be an e-mail address, for example anna@example.com");
    assert!(create("root@api.example", "").starts_with("--name must"), "{}", create("root@api.example", ""));
    let promote = folder.error_of(&["admin", "promote", "--email", "notmail"], &[]);
    assert!(promote.starts_with("--email must be an e-mail address"), "{promote}");
    assert_eq!(create("root@api.example", "Root"), "the password needs at least 12 characters");
}

#[test]
fn dev_reset_is_refused_under_the_production_profile() {
    let folder = WorkingFolder::new();
    fs::create_dir_all(folder.state().join("mail")).unwrap();
    let refused = folder.run(&["dev", "reset"], &[("STRONGROOM_PROFILE", "production")]);
    assert_eq!(refused.status.code(), Some(1));
    let message = text(&refused.stderr);
    assert!(message.contains("STRONGROOM_PROFILE is not development: `dev` deletes data"), "{message}");
    assert!(folder.state().join("mail").exists(), "nothing is removed");
    // `dev reset` deletes the embedded server, even if `DATABASE_URL` names another server.
    let elsewhere = [("DATABASE_URL", "postgres://strongroom_app@127.0.0.1:1/none")];
    assert!(folder.output_of(&["dev", "reset"], &elsewhere).contains("deleted "));
    assert!(!folder.state().exists());
}

#[test]
fn output_without_a_terminal_has_no_color() {
    let folder = WorkingFolder::new();
    let unreachable =
        [("DATABASE_URL", "postgres://strongroom_app@127.0.0.1:1/none"), ("STRONGROOM_LOG_FORMAT", "text")];
    for (arguments, settings) in [(["serve"], &unreachable[..]), (["--help"], &[]), (["--nonsense"], &[])] {
        let output = folder.run(&arguments, settings);
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty());
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b), "{arguments:?}");
    }
}
