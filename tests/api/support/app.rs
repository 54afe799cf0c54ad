//! The service under test. It starts as in `main`, with real sockets and its own database.

use chrono::TimeDelta;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, PgPool};
use strongroom::app::server::{self, Running};
use strongroom::app::services::Services;
use strongroom::app::tls::Certificate;
use strongroom::base::clock::Clock;
use strongroom::config::{Environment, Settings};
use strongroom::features::users::store as users;

use super::client::Client;
use super::database::{Role, TestDatabase};
use super::events::SentRequests;
use super::folder;
use super::metrics::Metrics;
use super::relay::Relay;
use super::{Actor, events, logs, wait};

/// The queued mails, as a table for [`TestApp::digest`]. A refused request can queue an alert, so alerts do not count.
pub const MAILS: &str = "(select * from outbox where queue = 'mail')";

pub struct TestApp {
    /// Boxes keep this type small: a test with a large future overflows the stack of its thread.
    pub running: Option<Box<Running>>,
    pub sent: SentRequests,
    pub database: TestDatabase,
    pub clock: Clock,
    pub base: String,
    pub state_dir: PathBuf,
    /// A superuser connection, which bypasses row-level security.
    pub all_rows: PgPool,
    replica: OnceLock<Box<Services>>,
    /// Ends the service's thread on drop.
    _shutdown: tokio::sync::oneshot::Sender<()>,
}

impl TestApp {
    /// Starts the service, with rate limits that tests do not reach.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(changed: &[(&str, &str)]) -> Self {
        let database = TestDatabase::create().await;
        Self::on(database, changed).await
    }

    /// Starts the service on an existing database: a restart or a second replica.
    pub async fn on(database: TestDatabase, changed: &[(&str, &str)]) -> Self {
        let state_dir = folder::new_path();
        let settings = settings(&state_dir, changed);
        let clock = Clock::default();
        Self::serve(settings, None, database, clock, state_dir)
    }

    /// Starts the service with a relay in front of the database. The relay can hold back the database's replies.
    pub async fn relayed(changed: &[(&str, &str)]) -> (Self, Arc<Relay>) {
        let database = TestDatabase::create().await;
        let relay = Relay::to(database.options(Role::App));
        let app = Self::on(database.behind(relay.clone()), changed).await;
        (app, relay)
    }

    /// Starts the service with exactly these settings, on its own thread, so that it also runs while the test blocks.
    pub fn serve(
        settings: Settings,
        certificate: Option<Arc<Certificate>>,
        database: TestDatabase,
        clock: Clock,
        state_dir: PathBuf,
    ) -> Self {
        logs::capture();
        database.add_state_dir(&state_dir);
        let (options, service_clock) = (database.options(Role::App), clock.clone());
        let (started, running) = mpsc::channel();
        let (shutdown, ended) = tokio::sync::oneshot::channel::<()>();
        thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let running = server::start(Arc::new(settings), options, certificate, service_clock).unwrap();
                started.send(running).unwrap();
                let _ = ended.await;
            });
        });
        let running = running.recv().expect("the service starts");
        let base = format!("http://{}", running.http);
        let all_rows = sqlx::postgres::PgPoolOptions::new()
            .max_connections(2)
            .connect_lazy_with(database.options(Role::Superuser));
        Self {
            running: Some(Box::new(running)),
            sent: SentRequests::default(),
            database,
            clock,
            base,
            state_dir,
            all_rows,
            replica: OnceLock::new(),
            _shutdown: shutdown,
        }
    }

    pub fn services(&self) -> &Services {
        &self.running.as_ref().unwrap().services
    }

    /// Returns the service objects of another replica, for tests that call an object or its pool directly.
    /// A test must not use the pool of the running service, because a connection that the test opens belongs to the
    /// test's thread. At the end of the test, this thread blocks. If the service then took this connection from the
    /// pool, it could wait for a reply forever.
    pub fn replica(&self) -> &Services {
        self.replica.get_or_init(|| {
            let settings = self.services().settings.clone();
            Box::new(Services::new(settings, self.database.options(Role::App), self.clock.clone()).unwrap())
        })
    }

    /// Waits until the service receives database notifications and reads ended sessions.
    /// Until then, each request also reads its session from the database, so it sends one more statement.
    pub async fn wait_until_listening(&self) {
        let services = self.services();
        let listening =
            async || services.announcements.is_listening() && services.authenticator.revocations.is_current();
        wait::until("the listener is up", listening).await;
    }

    /// Returns a client without an account, at 127.0.0.1.
    pub fn anonymous(&self) -> Client {
        self.client_from(Ipv4Addr::LOCALHOST.into())
    }

    pub fn operator(&self) -> Client {
        let address = self.running.as_ref().unwrap().management;
        Client::from_address(&format!("http://{address}"), Ipv4Addr::LOCALHOST.into()).record_in(self).undocumented()
    }

    pub async fn metrics(&self) -> Metrics {
        Metrics(self.operator().request(reqwest::Method::GET, "/metrics").send().await.ok(200).text())
    }

    pub fn client_from(&self, address: IpAddr) -> Client {
        Client::from_address(&self.base, address).record_in(self)
    }

    pub async fn user(&self, name: &str) -> Actor {
        Actor::sign_up(self, name).await
    }

    pub async fn admin(&self, name: &str) -> Actor {
        let admin = Actor::sign_up(self, name).await;
        self.promote(&admin).await;
        admin
    }

    pub async fn promote(&self, actor: &Actor) {
        self.set_admin(actor, true).await;
    }

    pub async fn demote(&self, actor: &Actor) {
        self.set_admin(actor, false).await;
    }

    async fn set_admin(&self, actor: &Actor, is_admin: bool) {
        let email = actor.email.parse().unwrap();
        let changed = users::set_admin(&mut self.owner().await, &email, is_admin, self.clock.now()).await;
        assert!(changed.unwrap().is_some());
    }

    pub async fn owner(&self) -> PgConnection {
        self.database.options(Role::Owner).connect().await.unwrap()
    }

    /// Advances the service's clock. Moves the times of login counters back, because they use the clock of the
    /// database.
    pub async fn advance_time(&self, time: TimeDelta) {
        self.clock.advance(time);
        let sql = "update login_failures set expires_at = expires_at - $1, waits_until = waits_until - $1";
        sqlx::query(sql).bind(time).execute(&self.all_rows).await.unwrap();
    }

    /// Returns a digest of all rows of these tables, to check that a request changed nothing.
    pub async fn digest(&self, tables: &[&str]) -> String {
        let mut digest = String::new();
        for table in tables {
            // A background worker can write `last_used_at` at any time.
            let row = "(to_jsonb(t) - 'last_used_at')::text";
            let sql = format!("select coalesce(md5(string_agg({row}, '|' order by {row})), '-') from {table} t");
            let hash: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.all_rows).await.unwrap();
            digest.push_str(&format!("{table}={hash} "));
        }
        digest
    }

    /// Returns all tables whose rows have an owner (checked by `contract::database_walls`).
    pub async fn owned_tables(&self) -> Vec<String> {
        let sql = "select relation::text from owned_tables order by position";
        sqlx::query_scalar(sql).fetch_all(&self.all_rows).await.unwrap()
    }

    pub async fn digest_all(&self) -> String {
        let owned = self.owned_tables().await;
        let tables =
            ["users", "sessions", "live_tickets"].into_iter().chain(owned.iter().map(|table| match &**table {
                // A row with zero files means the same as no row.
                "document_usage" => "(select * from document_usage where files > 0)",
                table => table,
            }));
        self.digest(&tables.collect::<Vec<_>>()).await
    }

    /// Stops the service as SIGTERM does, and returns the database.
    pub async fn stop(mut self) -> TestDatabase {
        Box::pin(self.running.take().unwrap().stop()).await;
        events::assert_stored(self.database.options(Role::Superuser), &self.sent);
        self.all_rows.close().await;
        let _ = std::fs::remove_dir_all(&self.state_dir);
        self.database.clone()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            if !thread::panicking() {
                events::assert_stored(self.database.options(Role::Superuser), &self.sent);
            }
            running.abort();
        }
        let _ = std::fs::remove_dir_all(&self.state_dir);
    }
}

/// Timeouts that do not expire even on a loaded machine.
pub const LONG_TIMEOUTS: [(&str, &str); 4] = [
    ("STRONGROOM_HTTP_REPLY_SECONDS", "300"),
    ("STRONGROOM_DATABASE_ACQUIRE_SECONDS", "15"),
    ("STRONGROOM_DATABASE_STATEMENT_SECONDS", "15"),
    ("STRONGROOM_PASSWORD_MAX_WAIT_SECONDS", "10"),
];

pub fn settings(state_dir: &std::path::Path, changed: &[(&str, &str)]) -> Settings {
    let state = state_dir.to_str().unwrap();
    let mut pairs = vec![
        ("STRONGROOM_DEV_STATE_DIR", state),
        ("STRONGROOM_HTTP_BIND", "127.0.0.1:0"),
        ("STRONGROOM_TLS_BIND", "127.0.0.1:0"),
        ("STRONGROOM_MANAGEMENT_BIND", "127.0.0.1:0"),
        ("STRONGROOM_HTTP_WORKERS", "1"),
        ("STRONGROOM_LIMITS_STANDARD", "100000/1h"),
        ("STRONGROOM_LIMITS_SIGN_IN", "100000/1h"),
        ("STRONGROOM_LIMITS_REGISTRATION", "100000/1h"),
        ("STRONGROOM_LIMITS_RESET", "100000/1h"),
        ("STRONGROOM_LIMITS_REFRESH", "100000/1h"),
        ("STRONGROOM_LIMITS_WRITE", "100000/1h"),
        ("STRONGROOM_LIMITS_PREVIEW", "100000/1h"),
        ("STRONGROOM_LIMITS_EXPORT", "100000/1h"),
        ("STRONGROOM_LIMITS_UPLOAD", "100000/1h"),
        ("STRONGROOM_LIMITS_ASSET", "100000/1h"),
        ("STRONGROOM_LIMITS_UNKNOWN_PATH", "100000/1h"),
        // Many tests request foreign and missing objects, after which their sessions would end.
        ("STRONGROOM_RULES_PROBING_SESSION", "100000/1h"),
        ("STRONGROOM_RULES_ENUMERATING_SESSION", "100000/1h"),
    ];
    pairs.extend(LONG_TIMEOUTS);
    pairs.retain(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    pairs.extend(changed);
    let mut settings = Settings::load(&Environment::from_pairs(pairs)).unwrap_or_else(|faults| panic!("{faults}"));
    settings.documents.pdf_inspector = env!("CARGO_BIN_EXE_strongroom").into();
    settings
}
