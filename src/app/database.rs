//! Connects to the database of the settings.
//! If the settings contain no URL, the development profile starts its own PostgreSQL server.

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

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The options for a connection, and the PostgreSQL server of the development profile, if this process has started it.
pub(super) struct Database {
    pub options: PgConnectOptions,
    #[cfg(feature = "dev")]
    server: Option<DevServer>,
}

impl Database {
    /// Returns the database for the role of the service. For a development database, applies the migrations first.
    pub async fn for_service(settings: &Settings) -> Result<Self, Failure> {
        match &settings.database.url {
            Some(url) => Ok(Self::external(url)),
            #[cfg(feature = "dev")]
            None => {
                let server = start_server(&settings.database, &settings.state_dir).await?;
                let mut owner = connect(&server.options(Role::Owner, DATABASE)).await?;
                migrate::run(&mut owner).await.map_err(|error| Failure::from_migration(error, true))?;
                owner.close().await?;
                Ok(Self { options: server.options(Role::App, DATABASE), server: Some(server) })
            }
            #[cfg(not(feature = "dev"))]
            None => Err(Failure::NoDatabase),
        }
    }

    /// Returns the database for the role that owns the schema. All commands except `serve` use this role.
    async fn for_owner(settings: &OwnerSettings) -> Result<Self, Failure> {
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

    pub fn development_owner_options(&self) -> Option<PgConnectOptions> {
        #[cfg(feature = "dev")]
        let options = self.server.as_ref().map(|server| server.options(Role::Owner, DATABASE));
        #[cfg(not(feature = "dev"))]
        let options = None;
        options
    }

    pub fn is_development(&self) -> bool {
        self.development_owner_options().is_some()
    }

    #[cfg(feature = "dev")]
    pub fn data_dir(&self) -> Option<&Path> {
        self.server.as_ref().map(DevServer::data_dir)
    }

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

#[cfg(feature = "dev")]
pub(super) fn server_config(settings: &DatabaseSettings, state_dir: &Path) -> DevServerConfig {
    DevServerConfig {
        state_dir: state_dir.to_owned(),
        pg_bin: settings.pg_bin.clone(),
        path: settings.path.clone(),
        home: settings.home.clone(),
    }
}

/// Connects as the owner of the schema. Each command must call [`Database::stop`] at its end.
pub(super) async fn connect_as_owner(settings: &OwnerSettings) -> Result<(PgConnection, Database), Failure> {
    let database = Database::for_owner(settings).await?;
    Ok((connect(&database.options).await?, database))
}

/// Connects without a pool, because a pool repeats a failed attempt until its timeout and hides the cause.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Failure> {
    let connected = timeout(CONNECT_TIMEOUT, options.connect()).await;
    Ok(connected.map_err(|_| Failure::DatabaseTimeout(CONNECT_TIMEOUT.as_secs()))??)
}
