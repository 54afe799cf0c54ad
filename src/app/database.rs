//! The database that the settings name. If they name none, development starts a server of its own.

use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::time::timeout;

use super::failure::Failure;
use crate::config::{OwnerSettings, Settings};
#[cfg(feature = "dev")]
use {
    crate::config::DatabaseSettings,
    crate::db::migrate,
    crate::dev::postgres::{DATABASE, DevServer, DevServerConfig, Role},
    sqlx::Connection,
    std::path::Path,
};

/// How long a command waits for the database to accept its connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How to connect, and the server that was started for it, if one was.
pub(super) struct Database {
    pub options: PgConnectOptions,
    #[cfg(feature = "dev")]
    server: Option<DevServer>,
}

impl Database {
    /// The database of the service, as its own role. Development's own is migrated first.
    pub async fn of_service(settings: &Settings) -> Result<Self, Failure> {
        match &settings.database.url {
            Some(url) => Ok(Self::external(url)),
            #[cfg(feature = "dev")]
            None => {
                let server = start_server(&settings.database, &settings.state_dir).await?;
                let mut owner = connect(&server.options(Role::Owner, DATABASE)).await?;
                migrate::run(&mut owner).await.map_err(|error| Failure::of_migration(error, true))?;
                owner.close().await?;
                Ok(Self { options: server.options(Role::App, DATABASE), server: Some(server) })
            }
            #[cfg(not(feature = "dev"))]
            None => Err(Failure::NoDatabase),
        }
    }

    /// The same database as the owner of the schema, for commands.
    async fn of_owner(settings: &OwnerSettings) -> Result<Self, Failure> {
        match &settings.database.owner_url {
            Some(url) => Ok(Self::external(url)),
            #[cfg(feature = "dev")]
            None => {
                let server = start_server(&settings.database, &settings.state_dir).await?;
                Ok(Self { options: server.options(Role::Owner, DATABASE), server: Some(server) })
            }
            #[cfg(not(feature = "dev"))]
            None => Err(Failure::NoDatabase),
        }
    }

    fn external(options: &PgConnectOptions) -> Self {
        Self {
            options: options.clone(),
            #[cfg(feature = "dev")]
            server: None,
        }
    }

    /// How to connect as the owner of development's own database.
    pub fn own_owner(&self) -> Option<PgConnectOptions> {
        #[cfg(feature = "dev")]
        let own = self.server.as_ref().map(|server| server.options(Role::Owner, DATABASE));
        #[cfg(not(feature = "dev"))]
        let own = None;
        own
    }

    /// Whether it is development's own.
    pub fn is_own(&self) -> bool {
        self.own_owner().is_some()
    }

    /// Where development's own keeps its data.
    #[cfg(feature = "dev")]
    pub fn data_dir(&self) -> Option<&Path> {
        self.server.as_ref().map(DevServer::data_dir)
    }

    /// Stops the server that was started.
    pub async fn stop(self) -> Result<(), Failure> {
        #[cfg(feature = "dev")]
        if let Some(server) = self.server {
            server.stop().await?;
        }
        Ok(())
    }
}

#[cfg(feature = "dev")]
async fn start_server(settings: &DatabaseSettings, state_dir: &Path) -> Result<DevServer, Failure> {
    Ok(DevServer::start(&server_config(settings, state_dir)).await?)
}

/// Where development's own database is, and the programs that run it.
#[cfg(feature = "dev")]
pub(super) fn server_config(settings: &DatabaseSettings, state_dir: &Path) -> DevServerConfig {
    DevServerConfig {
        state_dir: state_dir.to_owned(),
        pg_bin: settings.pg_bin.clone(),
        path: settings.path.clone(),
        home: settings.home.clone(),
    }
}

/// Connects as the owner of the schema. The command stops the database in the end.
pub(super) async fn connect_as_owner(settings: &OwnerSettings) -> Result<(PgConnection, Database), Failure> {
    let database = Database::of_owner(settings).await?;
    Ok((connect(&database.options).await?, database))
}

/// Connects without the pool, which would hide the reason of a failure.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Failure> {
    let connected = timeout(CONNECT_TIMEOUT, options.connect()).await;
    Ok(connected.map_err(|_| Failure::DatabaseSilent(CONNECT_TIMEOUT.as_secs()))??)
}
