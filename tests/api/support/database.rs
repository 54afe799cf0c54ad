//! Each test has its own database, a clone of a migrated template ([`TestServer`]).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
pub use strongroom::dev::postgres::Role;
use uuid::Uuid;

pub use super::database_server::on_own_thread;
use super::database_server::{TestServer, as_role, seconds};
use super::relay::Relay;

/// The database of one test, which is dropped with the last clone of this value.
#[derive(Clone)]
pub struct TestDatabase {
    clone: Arc<TemplateClone>,
    /// The relay between service and database, if there is one.
    relay: Option<Arc<Relay>>,
    /// The folders of all services on this database, each with its own mails.
    state_dirs: Arc<Mutex<Vec<PathBuf>>>,
}

impl TestDatabase {
    pub async fn create() -> Self {
        let server = TestServer::shared();
        let name = format!("strongroom_test_{}_{}", seconds(), Uuid::new_v4().simple());
        let mut superuser = server.superuser.connect().await.unwrap();
        // `file_copy` is twice as fast as the default, because this server does not wait for a disk.
        // The owner of the new database also owns its schema `public`.
        let template = &server.template;
        let clone = format!("create database {name} template {template} strategy file_copy owner strongroom_owner");
        superuser.execute(AssertSqlSafe(clone)).await.unwrap();
        superuser.close().await.unwrap();
        let clone = Arc::new(TemplateClone { name, superuser: server.superuser.clone() });
        Self { clone, relay: None, state_dirs: Arc::default() }
    }

    /// Routes the connections of the service's role through this relay.
    pub fn behind(self, relay: Arc<Relay>) -> Self {
        Self { relay: Some(relay), ..self }
    }

    pub fn add_state_dir(&self, folder: &Path) {
        self.state_dirs.lock().unwrap().push(folder.to_owned());
    }

    pub fn state_dirs(&self) -> Vec<PathBuf> {
        self.state_dirs.lock().unwrap().clone()
    }

    pub fn name(&self) -> &str {
        &self.clone.name
    }

    /// Closes all connections, and refuses new connections.
    pub async fn disconnect(&self) {
        self.allow_connections(false).await;
        let mut superuser = self.clone.superuser.connect().await.unwrap();
        sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1")
            .bind(self.name())
            .execute(&mut superuser)
            .await
            .unwrap();
    }

    /// Closes the connections that receive notifications or read ended sessions, and refuses new connections.
    pub async fn disconnect_listeners(&self) {
        self.allow_connections(false).await;
        let mut superuser = self.clone.superuser.connect().await.unwrap();
        let sql = "select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = $1 and (query ilike 'listen %' or application_name = 'strongroom ended sessions')";
        sqlx::query(sql).bind(self.name()).execute(&mut superuser).await.unwrap();
    }

    pub async fn restore(&self) {
        self.allow_connections(true).await;
    }

    async fn allow_connections(&self, allowed: bool) {
        let mut superuser = self.clone.superuser.connect().await.unwrap();
        let sql = format!("alter database {} allow_connections {allowed}", self.name());
        superuser.execute(AssertSqlSafe(sql)).await.unwrap();
    }

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
        // Ignore an error: the test may already have failed, and a later sweep drops the database.
        let _ = on_own_thread({
            let (superuser, name) = (self.superuser.clone(), self.name.clone());
            move || remove(superuser, name)
        });
    }
}

async fn remove(superuser: PgConnectOptions, name: String) -> Result<(), sqlx::Error> {
    let mut superuser = superuser.connect().await?;
    superuser.execute(AssertSqlSafe(format!("drop database if exists {name} with (force)"))).await?;
    superuser.close().await
}
