//! The service, started as `main` starts it: same wiring, real sockets, a database of its own.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use sqlx::PgPool;
use strongroom::app::server::{self, Running};
use strongroom::base::clock::Clock;
use strongroom::config::{Environment, Settings};

use super::client::Client;
use super::database::{Role, TestDatabase};
use super::{Actor, logs};

pub struct TestApp {
    pub running: Option<Running>,
    pub database: TestDatabase,
    pub clock: Clock,
    pub base: String,
    pub state_dir: PathBuf,
    /// The database as its superuser sees it: row-level security does not apply, so "nothing changed" means all rows.
    pub all_rows: PgPool,
}

impl TestApp {
    /// With limits so wide that only tests of limits meet them.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these settings changed.
    pub async fn with(changed: &[(&str, &str)]) -> Self {
        logs::capture();
        let database = TestDatabase::create().await;
        Self::on(database, changed).await
    }

    /// On a database that exists already: a restart, or a second replica.
    pub async fn on(database: TestDatabase, changed: &[(&str, &str)]) -> Self {
        let state_dir = std::env::temp_dir().join(format!("strongroom-test-{}", uuid::Uuid::new_v4()));
        let settings = settings(&state_dir, changed);
        let clock = Clock::default();
        let running = server::start(Arc::new(settings), database.options(Role::App), None, clock.clone()).unwrap();
        Self::wrap(running, database, clock, state_dir)
    }

    /// Around a service that was started by hand.
    pub fn wrap(running: Running, database: TestDatabase, clock: Clock, state_dir: PathBuf) -> Self {
        let base = format!("http://{}", running.http);
        let all_rows = sqlx::postgres::PgPoolOptions::new()
            .max_connections(2)
            .connect_lazy_with(database.options(Role::Superuser));
        Self { running: Some(running), database, clock, base, state_dir, all_rows }
    }

    pub fn services(&self) -> &strongroom::app::services::Services {
        &self.running.as_ref().unwrap().services
    }

    /// Somebody without an account, from 127.0.0.1.
    pub fn anybody(&self) -> Client {
        self.from(Ipv4Addr::LOCALHOST.into())
    }

    /// Somebody without an account, from this loopback address.
    pub fn from(&self, address: IpAddr) -> Client {
        Client::from_address(&self.base, address)
    }

    /// A new user, joined and signed in as people do it: by mail and password.
    pub async fn user(&self, name: &str) -> Actor {
        Actor::join(self, name).await
    }

    /// A digest of every row of these tables: equal before and after means that nothing changed.
    pub async fn digest(&self, tables: &[&str]) -> String {
        let mut digest = String::new();
        for table in tables {
            let sql = format!("select coalesce(md5(string_agg(t::text, '|' order by t::text)), '-') from {table} t");
            let one: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.all_rows).await.unwrap();
            digest.push_str(&format!("{table}={one} "));
        }
        digest
    }

    /// The digest of everything that users own and are.
    pub async fn everything(&self) -> String {
        self.digest(&["users", "sessions", "customers", "invoices", "invoice_lines", "invoice_counters", "payments"])
            .await
    }

    /// Ends the service as SIGTERM does, and keeps the database.
    pub async fn stop(mut self) -> TestDatabase {
        self.running.take().unwrap().stop().await;
        self.all_rows.close().await;
        let _ = std::fs::remove_dir_all(&self.state_dir);
        self.database.clone()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
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
        ("STRONGROOM_HTTP_WORKERS", "1"),
        ("STRONGROOM_LIMITS_STANDARD", "100000/1h"),
        ("STRONGROOM_LIMITS_SIGN_IN", "100000/1h"),
        ("STRONGROOM_LIMITS_REGISTRATION", "100000/1h"),
        ("STRONGROOM_LIMITS_RESET", "100000/1h"),
        ("STRONGROOM_LIMITS_REFRESH", "100000/1h"),
        ("STRONGROOM_LIMITS_WRITE", "100000/1h"),
        ("STRONGROOM_LIMITS_UNKNOWN_PATH", "100000/1h"),
    ];
    pairs.retain(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    pairs.extend(changed);
    Settings::load(&Environment::from_pairs(pairs)).unwrap_or_else(|faults| panic!("{faults}"))
}
