//! The database server that all tests use, and the template database.
//!
//! All test processes with the same user and target folder use one PostgreSQL server. It stores its data in memory,
//! is not durable, and listens on a Unix socket. Each test process renews a `lease` file while it runs.
//! The shell script that starts the server checks this file every half minute, and stops the server without it.
//! To use another server, set `TEST_DATABASE_URL` to the URL of a superuser. The server must accept the other roles
//! without a password.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use strongroom::db::migrate;
use strongroom::dev::postgres::cluster::{Cluster, Watch};
use strongroom::dev::postgres::home::{Home, name_of};
use strongroom::dev::postgres::programs::{Search, find};
use strongroom::dev::postgres::user::ServerUser;
use strongroom::dev::postgres::{EmbeddedError, Role, create_roles};
use uuid::Uuid;

/// Cargo's folder for files of tests, which still exists when the server has stopped.
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
const HEARTBEAT: Duration = Duration::from_secs(5);
const STALE: Duration = Duration::from_mins(10);
const DAY: u64 = 24 * 60 * 60;

/// A script that starts the server. Every 30 seconds it deletes the file `lease`, and stops the server if no process
/// has created this file again since the last time. The file `open` says that new processes may use the server.
/// Script and process do their two steps in opposite order, so that they cannot miss each other:
/// - The script deletes `open`, and then looks for `lease`. If there is a `lease`, it creates `open` again.
/// - A new process creates `lease`, and then looks for `open`. If there is no `open`, it starts another server.
///
/// So either the script sees the new lease, or the process sees that the server is stopping.
const UNTIL_LEASES_END: Watch = Watch {
    script: r#"folder=$1; shift; exec >"$folder/log" 2>&1
        "$@" & server=$!
        (while sleep 30; do
            rm -f "$folder/open"; [ -e "$folder/lease" ] || break
            rm -f "$folder/lease"; : >"$folder/open"
        done; kill -INT "$server") & watcher=$!
        wait "$server" && rm -rf "$folder"
        kill "$watcher" 2>/dev/null"#,
    by_pipe: false,
};

/// A crash may lose test data, so the server never waits for a disk. Each service of a test has its own pool, and a
/// machine of 32 cores runs 32 tests at once. So the server allows many connections.
const NOT_DURABLE: [&str; 7] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    "max_connections=1000",
];

pub(super) struct TestServer {
    pub superuser: PgConnectOptions,
    pub template: String,
}

impl TestServer {
    /// Finds the running server or starts one.
    pub fn shared() -> &'static Self {
        static SERVER: OnceLock<TestServer> = OnceLock::new();
        SERVER.get_or_init(|| {
            on_own_thread(|| async {
                let superuser = match std::env::var("TEST_DATABASE_URL") {
                    Ok(url) => url.parse().expect("TEST_DATABASE_URL must be the URL of a database"),
                    Err(_) => embedded().await.unwrap_or_else(|error| panic!("{error}")),
                };
                let template = template(&superuser).await;
                Self { superuser, template }
            })
        })
    }
}

/// Returns the name of the template database with the migrations of this build. The first process creates it.
async fn template(options: &PgConnectOptions) -> String {
    let checksums: Vec<u8> = migrate::MIGRATOR.iter().flat_map(|one| one.checksum.to_vec()).collect();
    let name = format!("strongroom_template_{}", name_of(&checksums));
    let mut superuser = options.connect().await.unwrap();
    create_roles(&mut superuser).await.unwrap();
    // PostgreSQL releases the lock when this connection closes.
    superuser.execute("select pg_advisory_lock(1400136275)").await.unwrap();
    sweep(&mut superuser, &name).await;
    let is_complete: Option<bool> = sqlx::query_scalar("select datistemplate from pg_database where datname = $1")
        .bind(&name)
        .fetch_optional(&mut superuser)
        .await
        .unwrap();
    let run = async |superuser: &mut PgConnection, sql: String| {
        superuser.execute(AssertSqlSafe(sql)).await.unwrap();
    };
    if is_complete != Some(true) {
        run(&mut superuser, format!("drop database if exists {name} with (force)")).await;
        run(&mut superuser, format!("create database {name} owner strongroom_owner")).await;
        let mut owner = as_role(options, Role::Owner, &name).connect().await.unwrap();
        migrate::run(&mut owner).await.unwrap();
        owner.close().await.unwrap();
        run(&mut superuser, format!("alter database {name} with is_template true allow_connections false")).await;
    }
    run(&mut superuser, format!("comment on database {name} is '{}'", seconds())).await;
    superuser.close().await.unwrap();
    name
}

pub(super) fn as_role(superuser: &PgConnectOptions, role: Role, database: &str) -> PgConnectOptions {
    let options = superuser.clone().database(database);
    if role == Role::Superuser { options } else { options.username(role.name()) }
}

/// Drops old templates and the databases of killed tests.
async fn sweep(superuser: &mut PgConnection, current: &str) {
    let old: Vec<(String, bool)> = sqlx::query_as(
        r"select datname::text, datistemplate from pg_database
          where (datname ~ '^strongroom_test_\d+_' and split_part(datname, '_', 3)::bigint < $1)
             or (datname ~ '^strongroom_template_' and datname <> $2
                 and coalesce(shobj_description(oid, 'pg_database')::bigint, 0) < $1)",
    )
    .bind((seconds() - DAY) as i64)
    .bind(current)
    .fetch_all(&mut *superuser)
    .await
    .unwrap();
    for (name, is_template) in old {
        if is_template {
            superuser.execute(AssertSqlSafe(format!("alter database {name} is_template false"))).await.unwrap();
        }
        superuser.execute(AssertSqlSafe(format!("drop database if exists {name} with (force)"))).await.unwrap();
    }
}

async fn embedded() -> Result<PgConnectOptions, EmbeddedError> {
    let user = ServerUser::choose(None, SCRATCH.as_ref())?;
    let lock = PathBuf::from(format!("{SCRATCH}/database-{}.lock", user.uid()));
    // The end of this function releases the lock, when the server is ready.
    let mut current = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock)
        .expect("the test may write to the target folder");
    current.lock().expect("the file system supports locks");
    let mut folder = String::new();
    current.read_to_string(&mut folder).unwrap();

    let search = Search {
        pg_bin: std::env::var_os("PG_BIN").map(PathBuf::from),
        path: std::env::var_os("PATH"),
        home: std::env::var_os("HOME").map(PathBuf::from),
    };
    let running = Home::new(user.clone(), PathBuf::from(&folder));
    if !folder.is_empty() && renew_lease(&running.folder) && running.folder.join("open").exists() && running.answers() {
        let programs = find(&search, &user, None).await?;
        keep_alive(running.folder.clone());
        return Ok(Cluster { programs, home: running }.options(Role::Superuser, "postgres"));
    }

    let name = format!("strongroom-test-{}-{}", user.uid(), name_of(SCRATCH.as_bytes()));
    remove_stale_folders(&name);
    let folder = memory().join(format!("{name}-{}", &Uuid::new_v4().simple().to_string()[..8]));
    current.set_len(0).unwrap();
    current.rewind().unwrap();
    current.write_all(folder.as_os_str().as_encoded_bytes()).unwrap();
    let home = Home::new(user, folder.clone());
    home.prepare()?;
    let programs = find(&search, &home.user, None).await?;
    let cluster = Cluster { programs, home };
    cluster.initialize(&["--no-sync"])?;
    renew_lease(&folder);
    let (_, mut superuser) = cluster.start(UNTIL_LEASES_END, &NOT_DURABLE).await?;
    create_roles(&mut superuser).await?;
    superuser.close().await?;
    File::create(folder.join("open")).unwrap();
    keep_alive(folder);
    Ok(cluster.options(Role::Superuser, "postgres"))
}

/// Returns false if the folder no longer exists.
fn renew_lease(folder: &Path) -> bool {
    File::create(folder.join("lease")).is_ok()
}

fn keep_alive(folder: PathBuf) {
    thread::spawn(move || {
        while renew_lease(&folder) {
            thread::sleep(HEARTBEAT);
        }
    });
}

/// Returns a folder in shared memory if 1 GiB is free there (a container has 64 MB by default). A disk is two to six
/// times slower.
fn memory() -> PathBuf {
    let shm = Path::new("/dev/shm");
    let output = Command::new("df").args(["-Pk"]).arg(shm).output();
    let free_kib = output.ok().and_then(|output| {
        let output = String::from_utf8(output.stdout).ok()?;
        output.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()
    });
    if free_kib >= Some(1024 * 1024) { shm.to_owned() } else { PathBuf::from("/tmp") }
}

/// Removes the folders of killed servers. The script of a running server changes its folder every half minute.
fn remove_stale_folders(name: &str) {
    for parent in ["/dev/shm", "/tmp"] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let is_ours = entry.file_name().to_string_lossy().starts_with(name);
            let is_old = || entry.metadata().ok()?.modified().ok()?.elapsed().ok().map(|age| age > STALE);
            if is_ours && is_old() == Some(true) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// Runs a future on a new thread and waits for it, because `OnceLock` and `Drop` are not async.
pub fn on_own_thread<T: Send + 'static, F: Future<Output = T>>(work: impl FnOnce() -> F + Send + 'static) -> T {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    thread::spawn(move || runtime().block_on(work())).join().unwrap()
}

/// Seconds since 1970, which are part of the names of databases, so that a sweep knows their age.
pub(super) fn seconds() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
}
