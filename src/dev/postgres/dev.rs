//! The database of `cargo run`, which survives restarts. The server starts and stops with the service.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Child;

use sqlx::Connection;
use sqlx::postgres::PgConnectOptions;
use tokio::time::sleep;

use super::cluster::{Cluster, Watch};
use super::error::{EmbeddedError, at};
use super::folder::{Locked, lock};
use super::home::{Home, POLL_INTERVAL};
use super::programs::{Search, find};
use super::roles::{Role, create_database, create_roles};

#[derive(Clone, Debug, Default)]
pub struct DevServerConfig {
    /// The development folder, by default `.strongroom` in the checkout.
    pub state_dir: PathBuf,
    /// The folder with PostgreSQL's programs (environment variable `PG_BIN`).
    pub pg_bin: Option<PathBuf>,
    /// Further folders to search (environment variable `PATH`).
    pub path: Option<OsString>,
    /// The folder that contains the cache of downloads (environment variable `HOME`).
    pub home: Option<PathBuf>,
}

impl DevServerConfig {
    fn search(&self) -> Search {
        Search { pg_bin: self.pg_bin.clone(), path: self.path.clone(), home: self.home.clone() }
    }
}

/// A running development database. It stops when this value is dropped or the process ends.
#[derive(Debug)]
pub struct DevServer {
    cluster: Cluster,
    child: Child,
    // Fields are dropped in order, so the pipe of `child` closes before the lock is released.
    _locked: Locked,
}

impl DevServer {
    /// Starts the server. The first start also creates the data folder, the roles and the empty database.
    ///
    /// # Errors
    /// Returns an [`EmbeddedError`] that says what to do.
    pub async fn start(config: &DevServerConfig) -> Result<Self, EmbeddedError> {
        let locked = lock(&config.state_dir)?;
        let search = config.search();
        let (home, version) = match locked.existing(&search)? {
            Some(home) => {
                let version = version_of(&home)?;
                home.prepare()?;
                home.end_previous().await?;
                (home, Some(version))
            }
            None => (locked.new_home(&search)?, None),
        };
        let programs = find(&search, &home.user, version).await?;
        let cluster = Cluster { programs, home };
        if version.is_none() {
            tracing::info!(folder = %cluster.home.folder.display(), "creating the development database, which can take 20 seconds");
            cluster.initialize(&[])?;
        }
        let (child, mut superuser) = cluster.start(Watch::UNTIL_PARENT_EXITS, &[]).await?;
        // Create missing roles at each start, because the first start may have been killed before it created them.
        create_roles(&mut superuser).await?;
        create_database(&mut superuser).await?;
        superuser.close().await?;
        Ok(Self { cluster, child, _locked: locked })
    }

    #[must_use]
    pub fn options(&self, role: Role, database: &str) -> PgConnectOptions {
        self.cluster.options(role, database)
    }

    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.cluster.home.folder
    }

    /// Stops the server and waits until all data are on disk.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        drop(self.child.stdin.take());
        for _ in 0..6000 {
            if self.child.try_wait().map_err(at(self.data_dir()))?.is_some() {
                return Ok(());
            }
            sleep(POLL_INTERVAL).await;
        }
        Err(EmbeddedError::DoesNotEnd(self.cluster.home.pid().unwrap_or_default()))
    }
}

/// Deletes the development database and all other files that development created. Returns the deleted paths.
///
/// # Errors
/// Fails if a service uses the folder or the files cannot be removed.
pub async fn reset(config: &DevServerConfig) -> Result<Vec<PathBuf>, EmbeddedError> {
    let locked = lock(&config.state_dir)?;
    let search = config.search();
    let mut paths = Vec::new();
    if let Some(home) = locked.existing(&search)? {
        home.end_previous().await?;
        paths.push(home.socket);
    }
    paths.extend(locked.places(&search));
    paths.extend(locked.contents());
    let mut removed = Vec::new();
    for path in paths {
        let gone = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match gone {
            Ok(()) => removed.push(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(&path)(error)),
        }
    }
    // Fails if the folder contains files of the user, which must remain.
    if fs::remove_dir(&locked.folder).is_ok() {
        removed.push(locked.folder.clone());
    }
    // Fails if the folder contains the database of another checkout, which must remain.
    let _ = fs::remove_dir("/var/lib/strongroom");
    Ok(removed)
}

/// Returns the version of PostgreSQL that created the data.
fn version_of(home: &Home) -> Result<u32, EmbeddedError> {
    if !home.user.reaches(&home.folder) {
        return Err(EmbeddedError::Unreachable { user: home.user.name().to_owned(), path: home.folder.clone() });
    }
    let file = home.data().join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(version) => version.trim().parse().map_err(|_| EmbeddedError::Incomplete(home.data())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(EmbeddedError::Incomplete(home.data())),
        Err(error) => Err(at(&file)(error)),
    }
}
