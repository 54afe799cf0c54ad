//! The service, started as `main` starts it: same wiring, real sockets, a database of its own.

use chrono::TimeDelta;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, PgPool};
use strongroom::app::server::{self, Running};
use strongroom::app::tls::Certificate;
use strongroom::base::clock::Clock;
use strongroom::config::{Environment, Settings};
use strongroom::features::users::store as users;

use super::client::Client;
use super::database::{Role, TestDatabase};
use super::events::Sent;
use super::folder;
use super::metrics::Metrics;
use super::relay::Relay;
use super::{Actor, events, logs, wait};

pub struct TestApp {
    pub running: Option<Running>,
    pub sent: Sent,
    pub database: TestDatabase,
    pub clock: Clock,
    pub base: String,
    pub state_dir: PathBuf,
    /// The database as its superuser sees it: row-level security does not apply, so "nothing changed" means all rows.
    pub all_rows: PgPool,
    /// Its thread ends with this.
    _lives: tokio::sync::oneshot::Sender<()>,
}

impl TestApp {
    /// With limits so wide that only tests of limits meet them.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these settings changed.
    pub async fn with(changed: &[(&str, &str)]) -> Self {
        let database = TestDatabase::create().await;
        Self::on(database, changed).await
    }

    /// On a database that exists already: a restart, or a second replica.
    pub async fn on(database: TestDatabase, changed: &[(&str, &str)]) -> Self {
        let state_dir = folder::new_path();
        let settings = settings(&state_dir, changed);
        let clock = Clock::default();
        Self::serve(settings, None, database, clock, state_dir)
    }

    /// On a database whose replies can be withheld.
    pub async fn relayed() -> (Self, Arc<Relay>) {
        let database = TestDatabase::create().await;
        let relay = Relay::to(database.options(Role::App));
        let app = Self::on(database.behind(relay.clone()), &[]).await;
        (app, relay)
    }

    /// With these settings as they are, on a thread of its own as a process has one: it goes on while a test waits.
    pub fn serve(
        settings: Settings,
        certificate: Option<Arc<Certificate>>,
        database: TestDatabase,
        clock: Clock,
        state_dir: PathBuf,
    ) -> Self {
        logs::capture();
        let (options, its_clock) = (database.options(Role::App), clock.clone());
        let (started, running) = mpsc::channel();
        let (lives, ended) = tokio::sync::oneshot::channel::<()>();
        thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let running = server::start(Arc::new(settings), options, certificate, its_clock).unwrap();
                started.send(running).unwrap();
                let _ = ended.await;
            });
        });
        let running = running.recv().expect("it starts");
        let base = format!("http://{}", running.http);
        let all_rows = sqlx::postgres::PgPoolOptions::new()
            .max_connections(2)
            .connect_lazy_with(database.options(Role::Superuser));
        Self {
            running: Some(running),
            sent: Sent::default(),
            database,
            clock,
            base,
            state_dir,
            all_rows,
            _lives: lives,
        }
    }

    pub fn services(&self) -> &strongroom::app::services::Services {
        &self.running.as_ref().unwrap().services
    }

    /// Until announcements are heard and ended sessions are read: before, each request asks the database.
    pub async fn listening(&self) {
        let services = self.services();
        let listening = async || services.announcements.heard() && services.authenticator.revocations.is_current();
        wait::holds("the listener is up", listening).await;
    }

    /// Somebody without an account, from 127.0.0.1.
    pub fn anybody(&self) -> Client {
        self.from(Ipv4Addr::LOCALHOST.into())
    }

    /// Whoever reaches the management port, from this machine.
    pub fn operator(&self) -> Client {
        let address = self.running.as_ref().unwrap().management;
        Client::from_address(&format!("http://{address}"), Ipv4Addr::LOCALHOST.into()).of(self).undocumented()
    }

    /// What a scraper reads.
    pub async fn metrics(&self) -> Metrics {
        Metrics(self.operator().request(reqwest::Method::GET, "/metrics").send().await.ok(200).text())
    }

    /// Somebody without an account, from this loopback address.
    pub fn from(&self, address: IpAddr) -> Client {
        Client::from_address(&self.base, address).of(self)
    }

    /// A new user, joined and signed in as people do it: by mail and password.
    pub async fn user(&self, name: &str) -> Actor {
        Actor::join(self, name).await
    }

    /// A new administrator, made as the command line makes one of a user, and signed in.
    pub async fn admin(&self, name: &str) -> Actor {
        let admin = Actor::join(self, name).await;
        self.promote(&admin).await;
        admin
    }

    /// As `strongroom admin promote` does it.
    pub async fn promote(&self, actor: &Actor) {
        let email = actor.email.parse().unwrap();
        assert!(users::promote(&mut self.owner().await, &email, self.clock.now()).await.unwrap().is_some());
    }

    /// As `strongroom admin demote` does it.
    pub async fn demote(&self, actor: &Actor) {
        let email = actor.email.parse().unwrap();
        assert!(users::demote(&mut self.owner().await, &email, self.clock.now()).await.unwrap().is_some());
    }

    /// A connection of the schema's owner.
    pub async fn owner(&self) -> PgConnection {
        self.database.options(Role::Owner).connect().await.unwrap()
    }

    /// Lets time pass, for the service and for the counters of failures, which follow the clock of the database.
    pub async fn pass(&self, time: TimeDelta) {
        self.clock.turn(time);
        let sql = "update login_failures set expires_at = expires_at - $1, waits_until = waits_until - $1";
        sqlx::query(sql).bind(time).execute(&self.all_rows).await.unwrap();
    }

    /// A digest of every row of these tables: equal before and after means that nothing changed.
    pub async fn digest(&self, tables: &[&str]) -> String {
        let mut digest = String::new();
        for table in tables {
            // The last use of a session is written beside the requests, when its minute is over.
            let row = "(to_jsonb(t) - 'last_used_at')::text";
            let sql = format!("select coalesce(md5(string_agg({row}, '|' order by {row})), '-') from {table} t");
            let one: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.all_rows).await.unwrap();
            digest.push_str(&format!("{table}={one} "));
        }
        digest
    }

    /// The digest of everything that users own and are.
    pub async fn everything(&self) -> String {
        self.digest(&[
            "users",
            "sessions",
            "businesses",
            "customers",
            "invoices",
            "invoice_lines",
            "number_counters",
            "invoice_parties",
            "payments",
            "credit_notes",
            "documents",
            "document_uploads",
            // Who has nothing has used nothing.
            "(select * from document_usage where files > 0)",
            "live_tickets",
        ])
        .await
    }

    /// Ends the service as SIGTERM does, and keeps the database.
    pub async fn stop(mut self) -> TestDatabase {
        self.running.take().unwrap().stop().await;
        events::must_have_rows(self.database.options(Role::Superuser), &self.sent);
        self.all_rows.close().await;
        let _ = std::fs::remove_dir_all(&self.state_dir);
        self.database.clone()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            if !thread::panicking() {
                events::must_have_rows(self.database.options(Role::Superuser), &self.sent);
            }
            running.abort();
        }
        let _ = std::fs::remove_dir_all(&self.state_dir);
    }
}

/// Development settings on free ports.
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
        ("STRONGROOM_LIMITS_EXPORT", "100000/1h"),
        ("STRONGROOM_LIMITS_UPLOAD", "100000/1h"),
        ("STRONGROOM_LIMITS_UNKNOWN_PATH", "100000/1h"),
        // Tests probe for a living.
        ("STRONGROOM_RULES_PROBING_SESSION", "100000/1h"),
        ("STRONGROOM_RULES_ENUMERATING_SESSION", "100000/1h"),
    ];
    pairs.retain(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    pairs.extend(changed);
    let mut settings = Settings::load(&Environment::from_pairs(pairs)).unwrap_or_else(|faults| panic!("{faults}"));
    settings.documents.pdf_inspector = env!("CARGO_BIN_EXE_strongroom").into();
    settings
}
