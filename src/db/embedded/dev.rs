//! The database of `cargo run`: durable, one per development folder, started and ended with the service.

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
use super::home::{Home, LOOK};
use super::programs::{Search, find};
use super::roles::{Role, create_database, create_roles};

/// What is asked of the outside.
#[derive(Clone, Debug, Default)]
pub struct DevServerConfig {
    /// `.strongroom` in the checkout, where the data are if they can be. It is made if missing.
    pub state_dir: PathBuf,
    /// `PG_BIN`.
    pub pg_bin: Option<PathBuf>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

impl DevServerConfig {
    fn search(&self) -> Search {
        Search { pg_bin: self.pg_bin.clone(), path: self.path.clone(), home: self.home.clone() }
    }
}

/// A running development database. It ends with this process, at the latest: dropping it closes the pipe that keeps it.
#[derive(Debug)]
pub struct DevServer {
    cluster: Cluster,
    child: Child,
    // After the child: the pipe closes before the lock is free.
    _locked: Locked,
}

impl DevServer {
    /// Starts it, and makes it first where there is none: the data, the roles and the empty database.
    ///
    /// # Errors
    /// See [`EmbeddedError`]: each says what to do.
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
            tracing::info!(folder = %cluster.home.folder.display(), "making the development database");
            cluster.initialise(&[])?;
        }
        let (child, mut superuser) = cluster.start(Watch::UNTIL_WE_END, &[]).await?;
        // At every start: the first one may have been ended between the server and its roles.
        create_roles(&mut superuser).await?;
        create_database(&mut superuser).await?;
        superuser.close().await?;
        Ok(Self { cluster, child, _locked: locked })
    }

    /// How to connect.
    #[must_use]
    pub fn options(&self, role: Role, database: &str) -> PgConnectOptions {
        self.cluster.options(role, database)
    }

    /// Where the data and the log are.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.cluster.home.folder
    }

    /// Ends the server and waits until everything is on the disk. Open connections are closed.
    ///
    /// # Errors
    /// It does not end in 30 seconds.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        drop(self.child.stdin.take());
        for _ in 0..6000 {
            if self.child.try_wait().map_err(at(self.data_dir()))?.is_some() {
                return Ok(());
            }
            sleep(LOOK).await;
        }
        Err(EmbeddedError::DoesNotEnd(self.cluster.home.pid().unwrap_or_default()))
    }
}

/// Removes the development database and everything else that development put into its folder. Says what is gone.
///
/// # Errors
/// A service is running on it, or the files cannot be removed.
pub async fn reset(config: &DevServerConfig) -> Result<Vec<PathBuf>, EmbeddedError> {
    let locked = lock(&config.state_dir)?;
    let search = config.search();
    let mut doomed = Vec::new();
    if let Some(home) = locked.existing(&search)? {
        home.end_previous().await?;
        doomed.push(home.socket);
    }
    doomed.extend(locked.places(&search));
    doomed.extend(locked.contents());
    let mut removed = Vec::new();
    for path in doomed {
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
    // Only if nobody else has put anything there.
    if fs::remove_dir(&locked.folder).is_ok() {
        removed.push(locked.folder.clone());
    }
    // The folder of all checkouts' databases goes with the last of them.
    let _ = fs::remove_dir("/var/lib/strongroom");
    Ok(removed)
}

/// The version that made the data. It cannot be missing in whole ones: `initialise` gives them their name last.
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
