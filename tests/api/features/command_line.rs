//! What the commands say to a person: one sentence that says what to do, and nothing is changed by a command that only looks.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use strongroom::db::embedded::{DATABASE, DevServer, DevServerConfig, OWNER, Role};
use strongroom::db::migrate::MIGRATOR;

use crate::support::database::TestDatabase;
use crate::support::folder;

/// A folder in which the program is run, with nothing of this machine's environment but where PostgreSQL is.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let folder = folder::new_path();
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

    /// What a successful command prints.
    fn prints(&self, arguments: &[&str], settings: &[(&str, &str)]) -> String {
        let output = self.run(arguments, settings);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "");
        text(&output.stdout)
    }

    /// The one line that a refused command says.
    fn refusal(&self, arguments: &[&str], settings: &[(&str, &str)]) -> String {
        let output = self.run(arguments, settings);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        let said = text(&output.stderr);
        let sentence = said.strip_prefix("strongroom: ").and_then(|said| said.strip_suffix('\n'));
        sentence.filter(|sentence| !sentence.contains('\n')).unwrap_or_else(|| panic!("one line: {said}")).to_owned()
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

impl Drop for Place {
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

/// A server that refuses every client: it answers the first message of each client with this error. Returns its URL.
fn server_that_refuses(code: &'static str, message: &'static str) -> String {
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
async fn faults_of_the_database_are_told_apart() {
    let (place, database) = (Place::new(), TestDatabase::create().await);
    let app = database.options(Role::App);
    let serve = |url: String| place.refusal(&["serve"], &[("DATABASE_URL", &url)]);

    let missing = serve(url(app.clone().database("nowhere")));
    assert!(
        missing.contains("\"nowhere\" does not exist") && missing.contains("correct its name in its URL"),
        "{missing}"
    );
    let role = serve(url(app.clone().username("nobody_here")));
    assert!(role.contains("nobody_here") && role.contains("deploy/postgres/roles.sh"), "{role}");
    let unreachable = serve("postgres://strongroom_app@127.0.0.1:1/strongroom".to_owned());
    assert!(
        unreachable.starts_with("no database server answers (") && unreachable.contains("host and port"),
        "{unreachable}"
    );

    let password = serve(server_that_refuses("28P01", "password authentication failed for user \"strongroom_app\""));
    assert_eq!(
        password,
        "the database refuses the password (password authentication failed for user \"strongroom_app\"): correct the role and the password in its URL"
    );
    let starting = serve(server_that_refuses("57P03", "the database system is starting up"));
    assert!(starting.ends_with("try again in a moment"), "{starting}");

    let owner_url = url(app);
    let privilege = place.refusal(&["migrate"], &[("STRONGROOM_DATABASE_OWNER_URL", &owner_url)]);
    assert!(privilege.contains("lacks a privilege") && privilege.contains("strongroom_owner"), "{privilege}");
}

/// An empty database of its own, and its owner's URL.
async fn empty_database(beside: &TestDatabase) -> (String, PgConnectOptions) {
    let name = format!("strongroom_test_1_{}", uuid::Uuid::new_v4().simple());
    let mut superuser = beside.options(Role::Superuser).connect().await.unwrap();
    superuser.execute(AssertSqlSafe(format!("create database {name} owner {OWNER}"))).await.unwrap();
    superuser.close().await.unwrap();
    (name.clone(), beside.options(Role::Owner).database(&name))
}

#[actix_web::test]
async fn unmigrated_database_is_named_and_migrate_says_what_it_applied() {
    let (place, database) = (Place::new(), TestDatabase::create().await);
    let (name, owner) = empty_database(&database).await;
    let (owner_url, app_url) = (url(owner), url(database.options(Role::App).database(&name)));
    let (as_owner, as_app) =
        ([("STRONGROOM_DATABASE_OWNER_URL", owner_url.as_str())], [("DATABASE_URL", app_url.as_str())]);
    let unmigrated = "the schema is not up to date: run `strongroom migrate` first";
    assert_eq!(place.refusal(&["serve"], &as_app), unmigrated);
    assert_eq!(place.refusal(&["admin", "demote", "--email", "root@demo.example"], &as_owner), unmigrated);

    let first = place.prints(&["migrate"], &as_owner);
    let lines: Vec<&str> = first.lines().collect();
    let applied: Vec<String> =
        MIGRATOR.iter().map(|one| format!("applied {} {}", one.version, one.description)).collect();
    assert_eq!(lines[..applied.len()], applied);
    assert_eq!(
        lines[applied.len()..],
        [format!("The schema is up to date: {} migrations were applied.", applied.len())]
    );
    assert_eq!(place.prints(&["migrate"], &as_owner), "The schema was up to date: nothing was applied.\n");

    let mut owner = database.options(Role::Owner).database(&name).connect().await.unwrap();
    for (change, sentence) in [
        (
            "update _sqlx_migrations set checksum = '\\x00' where version = 1",
            "migration 1 was applied with other contents than this build has: use the build that applied it, or restore the database from a copy",
        ),
        (
            "update _sqlx_migrations set version = version + 20261123000000",
            "the database has migration 20261123000001, which this build does not know: use the newer build that applied it",
        ),
    ] {
        owner.execute(change).await.unwrap();
        // No `dev reset`: the database may contain data of production.
        assert_eq!(place.refusal(&["migrate"], &as_owner), sentence);
    }
    owner.close().await.unwrap();
    let mut superuser = database.options(Role::Superuser).connect().await.unwrap();
    superuser.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await.unwrap();
    superuser.close().await.unwrap();
}

#[actix_web::test]
async fn development_database_of_another_build_leads_to_dev_reset() {
    let place = Place::new();
    assert!(place.prints(&["migrate"], &[]).contains("migrations were applied"));
    let changes = [
        // Edited after it was applied; fails on what is there; comes from a newer build.
        "update _sqlx_migrations set checksum = '\\x00' where version = 2",
        "delete from _sqlx_migrations where version = 2",
        "update _sqlx_migrations set version = 99991231000000 where version = 2",
        // Made by an older set of migrations.
        "update _sqlx_migrations set version = version + 20261123000000",
    ];
    for change in changes {
        let server = place.development_database().await;
        let mut owner = server.options(Role::Owner, DATABASE).connect().await.unwrap();
        owner.execute("create table kept as select * from _sqlx_migrations").await.unwrap();
        owner.execute(AssertSqlSafe(change)).await.unwrap();
        owner.close().await.unwrap();
        server.stop().await.unwrap();
        for command in ["serve", "migrate"] {
            let refusal = place.refusal(&[command], &[]);
            assert!(refusal.starts_with("the development database does not fit this build ("), "{change}: {refusal}");
            assert!(refusal.contains("`cargo run -- dev reset`"), "{change}: {refusal}");
        }
        let server = place.development_database().await;
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
    let place = Place::new();
    assert_eq!(place.prints(&["check-config"], &[]), "The configuration is valid.\n");
    for broken in ["inof", "info,[", "info;sqlx=warn", "info, sqlx=warn", "info,sqlx=loud", "info,,", "=warn", "sqlx="]
    {
        let refused = place.run(&["check-config"], &[("STRONGROOM_LOG_FILTER", broken)]);
        let said = text(&refused.stderr);
        assert!(said.contains("STRONGROOM_LOG_FILTER is not a list such as info,sqlx=warn"), "{broken}: {said}");
    }
    assert_eq!(fs::read_dir(&place.0).unwrap().count(), 0, "nothing is written");
}

#[test]
fn reader_that_has_left_ends_a_command_quietly() {
    let place = Place::new();
    let pages: [&[&str]; 5] = [&["openapi"], &["check-config"], &["audit", "key"], &["migrate"], &["audit", "verify"]];
    for arguments in pages {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(arguments, &[]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
    }
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = place.command(&["openapi"], &[]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert!(text(&output.stderr).starts_with("strongroom: the output cannot be written ("), "{}", text(&output.stderr));
}

#[test]
fn misspelt_arguments_of_admin_are_named() {
    let place = Place::new();
    let create = |email, name| place.refusal(&["admin", "create", "--email", email, "--name", name], &[]);
    assert_eq!(create("notmail", "Root"), "--email must be an e-mail address, for example anna@example.com");
    assert!(create("root@api.example", "").starts_with("--name must"), "{}", create("root@api.example", ""));
    let promote = place.refusal(&["admin", "promote", "--email", "notmail"], &[]);
    assert!(promote.starts_with("--email must be an e-mail address"), "{promote}");
    assert_eq!(create("root@api.example", "Root"), "the password needs at least 12 characters");
}

#[test]
fn dev_reset_is_refused_under_the_production_profile() {
    let place = Place::new();
    fs::create_dir_all(place.state().join("mail")).unwrap();
    let refused = place.run(&["dev", "reset"], &[("STRONGROOM_PROFILE", "production")]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("STRONGROOM_PROFILE is not development: `dev` removes data"), "{said}");
    assert!(place.state().join("mail").exists(), "nothing is removed");
    // It connects to no database, so it asks for no URL.
    let elsewhere = [("DATABASE_URL", "postgres://strongroom_app@127.0.0.1:1/none")];
    assert!(place.prints(&["dev", "reset"], &elsewhere).contains("removed "));
    assert!(!place.state().exists());
}

#[test]
fn output_that_goes_to_no_terminal_has_no_colour() {
    let place = Place::new();
    let nobody = [("DATABASE_URL", "postgres://strongroom_app@127.0.0.1:1/none"), ("STRONGROOM_LOG_FORMAT", "text")];
    for (arguments, settings) in [(["serve"], &nobody[..]), (["--help"], &[]), (["--nonsense"], &[])] {
        let output = place.run(&arguments, settings);
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty());
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b), "{arguments:?}");
    }
}
