//! A database of its own for each test, cloned from a template that is migrated once.
//!
//! One server for all test processes of a user and a target folder: in memory, not durable, on a Unix socket. Nobody owns
//! it: every process touches its `lease` while it lives, and the server's shell calls the roll every half minute, so that
//! it ends and removes its folder within a minute after the last test, however that ended.
//! `TEST_DATABASE_URL` (a superuser; trust for the other roles) replaces it.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
pub use strongroom::db::embedded::Role;
use strongroom::db::embedded::cluster::{Cluster, Watch};
use strongroom::db::embedded::home::{Home, name_of};
use strongroom::db::embedded::programs::{Search, find};
use strongroom::db::embedded::user::ServerUser;
use strongroom::db::embedded::{EmbeddedError, create_roles};
use strongroom::db::migrate;
use uuid::Uuid;

use super::relay::Relay;

/// Cargo's folder for the tests of this target folder: it outlives the server, so the lock is there.
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
const HEARTBEAT: Duration = Duration::from_secs(5);
const DAY: u64 = 24 * 60 * 60;

/// The roll call. `open` says that newcomers may use the server. It is taken away *before* the last look at the lease,
/// and a newcomer signs the lease before it looks for `open`: so either the shell sees the newcomer or the newcomer sees
/// a closed door and starts another server, in another folder.
const UNTIL_NOBODY_IS_LEFT: Watch = Watch {
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

/// Nothing here outlives the machine, so nothing waits for a disk.
const NOT_DURABLE: [&str; 7] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    "max_connections=200",
];

/// One test's database: migrated, empty, and dropped with the last of its clones, whether the test passed or failed.
#[derive(Clone)]
pub struct TestDatabase {
    clone: Arc<TemplateClone>,
    /// What the service reaches it through, if anything.
    relay: Option<Arc<Relay>>,
}

impl TestDatabase {
    /// Takes some 30 ms.
    pub async fn create() -> Self {
        let server = TestServer::shared();
        let name = format!("strongroom_test_{}_{}", seconds(), Uuid::new_v4().simple());
        let mut superuser = server.superuser.connect().await.unwrap();
        // file_copy is twice as quick as the default where nothing is synced. Who owns the database owns schema public.
        let template = &server.template;
        let clone = format!("create database {name} template {template} strategy file_copy owner strongroom_owner");
        superuser.execute(AssertSqlSafe(clone)).await.unwrap();
        superuser.close().await.unwrap();
        Self { clone: Arc::new(TemplateClone { name, superuser: server.superuser.clone() }), relay: None }
    }

    /// The same database, which the service's role reaches through this relay.
    pub fn behind(self, relay: Arc<Relay>) -> Self {
        Self { relay: Some(relay), ..self }
    }

    /// What the server calls it.
    pub fn name(&self) -> &str {
        &self.clone.name
    }

    /// The database goes away under the service: nobody is connected, nobody gets in.
    pub async fn cut_off(&self) {
        self.admit(false).await;
        let mut superuser = self.clone.superuser.connect().await.unwrap();
        sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1")
            .bind(self.name())
            .execute(&mut superuser)
            .await
            .unwrap();
    }

    /// The connections on which this database's services hear announcements and read ended sessions end, and none can take
    /// their place.
    pub async fn deafen(&self) {
        self.admit(false).await;
        let mut superuser = self.clone.superuser.connect().await.unwrap();
        let sql = "select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = $1 and (query ilike 'listen %' or application_name = 'strongroom ended sessions')";
        sqlx::query(sql).bind(self.name()).execute(&mut superuser).await.unwrap();
    }

    /// And comes back.
    pub async fn restore(&self) {
        self.admit(true).await;
    }

    async fn admit(&self, everybody: bool) {
        let mut superuser = self.clone.superuser.connect().await.unwrap();
        let sql = format!("alter database {} allow_connections {everybody}", self.name());
        superuser.execute(AssertSqlSafe(sql)).await.unwrap();
    }

    /// How to connect to it.
    pub fn options(&self, role: Role) -> PgConnectOptions {
        let options = as_role(&self.clone.superuser, role, &self.clone.name);
        match &self.relay {
            Some(relay) if role == Role::App => relay.through(options),
            _ => options,
        }
    }
}

struct TemplateClone {
    name: String,
    superuser: PgConnectOptions,
}

impl Drop for TemplateClone {
    fn drop(&mut self) {
        // Not unwrapped: the test may be failing already, and the sweep comes by.
        let _ = apart({
            let (superuser, name) = (self.superuser.clone(), self.name.clone());
            move || remove(superuser, name)
        });
    }
}

/// The server of all tests, and the database that they clone.
struct TestServer {
    superuser: PgConnectOptions,
    template: String,
}

impl TestServer {
    /// Finds or starts it, once per process.
    fn shared() -> &'static Self {
        static SERVER: OnceLock<TestServer> = OnceLock::new();
        SERVER.get_or_init(|| {
            apart(|| async {
                let superuser = match std::env::var("TEST_DATABASE_URL") {
                    Ok(url) => url.parse().expect("TEST_DATABASE_URL is a database's URL"),
                    Err(_) => embedded().await.unwrap_or_else(|error| panic!("{error}")),
                };
                let template = template(&superuser).await;
                Self { superuser, template }
            })
        })
    }
}

/// The template of this build's migrations: made once, by whoever comes first, as the role that migrates in production.
async fn template(options: &PgConnectOptions) -> String {
    let checksums: Vec<u8> = migrate::MIGRATOR.iter().flat_map(|one| one.checksum.to_vec()).collect();
    let name = format!("strongroom_template_{}", name_of(&checksums));
    let mut superuser = options.connect().await.unwrap();
    create_roles(&mut superuser).await.unwrap();
    // Held until this connection closes.
    superuser.execute("select pg_advisory_lock(1400136275)").await.unwrap();
    sweep(&mut superuser, &name).await;
    let whole: Option<bool> = sqlx::query_scalar("select datistemplate from pg_database where datname = $1")
        .bind(&name)
        .fetch_optional(&mut superuser)
        .await
        .unwrap();
    let run = async |superuser: &mut PgConnection, sql: String| {
        superuser.execute(AssertSqlSafe(sql)).await.unwrap();
    };
    if whole != Some(true) {
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

fn as_role(superuser: &PgConnectOptions, role: Role, database: &str) -> PgConnectOptions {
    let options = superuser.clone().database(database);
    if role == Role::Superuser { options } else { options.username(role.name()) }
}

async fn remove(superuser: PgConnectOptions, name: String) -> Result<(), sqlx::Error> {
    let mut superuser = superuser.connect().await?;
    superuser.execute(AssertSqlSafe(format!("drop database if exists {name} with (force)"))).await?;
    superuser.close().await
}

/// Drops what killed tests left, and templates of migrations that nobody uses any more: on a server of our own they go
/// with it, on one that stays they would pile up.
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

/// Uses the running server, or starts one.
async fn embedded() -> Result<PgConnectOptions, EmbeddedError> {
    let user = ServerUser::choose(None, SCRATCH.as_ref())?;
    let lock = PathBuf::from(format!("{SCRATCH}/database-{}.lock", user.uid()));
    // Released when this function ends: the server is ready then.
    let mut current = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock)
        .expect("the target folder is ours");
    current.lock().expect("the file system can lock");
    let mut folder = String::new();
    current.read_to_string(&mut folder).unwrap();

    let search = Search {
        pg_bin: std::env::var_os("PG_BIN").map(PathBuf::from),
        path: std::env::var_os("PATH"),
        home: std::env::var_os("HOME").map(PathBuf::from),
    };
    let running = Home::new(user.clone(), PathBuf::from(&folder));
    if !folder.is_empty() && sign(&running.folder) && running.folder.join("open").exists() && running.answers() {
        let programs = find(&search, &user, None).await?;
        keep_alive(running.folder.clone());
        return Ok(Cluster { programs, home: running }.options(Role::Superuser, "postgres"));
    }

    let name = format!("strongroom-test-{}-{}", user.uid(), name_of(SCRATCH.as_bytes()));
    forget_the_dead(&name);
    let folder = memory().join(format!("{name}-{}", &Uuid::new_v4().simple().to_string()[..8]));
    current.set_len(0).unwrap();
    current.rewind().unwrap();
    current.write_all(folder.as_os_str().as_encoded_bytes()).unwrap();
    let home = Home::new(user, folder.clone());
    home.prepare()?;
    let programs = find(&search, &home.user, None).await?;
    let cluster = Cluster { programs, home };
    cluster.initialise(&["--no-sync"])?;
    sign(&folder);
    let (_, mut superuser) = cluster.start(UNTIL_NOBODY_IS_LEFT, &NOT_DURABLE).await?;
    create_roles(&mut superuser).await?;
    superuser.close().await?;
    File::create(folder.join("open")).unwrap();
    keep_alive(folder);
    Ok(cluster.options(Role::Superuser, "postgres"))
}

/// Answers the roll call. False when the folder is gone.
fn sign(folder: &Path) -> bool {
    File::create(folder.join("lease")).is_ok()
}

fn keep_alive(folder: PathBuf) {
    thread::spawn(move || {
        while sign(&folder) {
            thread::sleep(HEARTBEAT);
        }
    });
}

/// Memory, if there is 1 GiB of it (a container gives 64 MB by default); else the disk, which is two to six times slower.
fn memory() -> PathBuf {
    let shm = Path::new("/dev/shm");
    let said = Command::new("df").args(["-Pk"]).arg(shm).output();
    let free_kib = said.ok().and_then(|said| {
        let said = String::from_utf8(said.stdout).ok()?;
        said.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()
    });
    if free_kib >= Some(1024 * 1024) { shm.to_owned() } else { PathBuf::from("/tmp") }
}

/// Folders whose server died with the machine or by SIGKILL. A living one renews its lease.
fn forget_the_dead(name: &str) {
    for parent in ["/dev/shm", "/tmp"] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let is_ours = entry.file_name().to_string_lossy().starts_with(name);
            let is_old = || entry.metadata().ok()?.modified().ok()?.elapsed().ok().map(|age| age.as_secs() > DAY);
            if is_ours && is_old() == Some(true) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// Runs on a thread and a runtime of its own, and waits: for `OnceLock` and `Drop`, which are not async.
pub fn apart<T: Send + 'static, F: Future<Output = T>>(work: impl FnOnce() -> F + Send + 'static) -> T {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    thread::spawn(move || runtime().block_on(work())).join().unwrap()
}

/// Since 1970, for names that tell their age.
fn seconds() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
}
