//! Where PostgreSQL's programs are: `PG_BIN`, then the homes that packages give them, then PATH, then the download.

use std::cmp::Reverse;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::error::{EmbeddedError, OLDEST, missing};
use super::user::ServerUser;

/// Where to look. Everything from the environment is passed in: only `config/` reads it.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// `PG_BIN`: this folder and no other.
    pub pg_bin: Option<PathBuf>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// `HOME`, where a download is kept.
    pub home: Option<PathBuf>,
}

/// A PostgreSQL that can be run.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The folder with `postgres` and `initdb`.
    pub bin: PathBuf,
    /// 15, 16, 17 …
    pub major: u32,
}

impl Programs {
    /// One of the programs.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Reads the version, running as the user that will run the server: a program that only root reaches is none.
    fn read(bin: &Path, user: &ServerUser) -> Option<Self> {
        let postgres = fs::canonicalize(bin.join("postgres")).ok()?;
        let bin = postgres.parent()?.to_owned();
        if !bin.join("initdb").is_file() {
            return None;
        }
        let said = user.command(&postgres).arg("--version").stdout(Stdio::piped()).output().ok()?;
        let major = major(&String::from_utf8_lossy(&said.stdout))?;
        (major >= OLDEST).then_some(Self { bin, major })
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` → 15; also `18beta1`.
fn major(said: &str) -> Option<u32> {
    let number = said.split("(PostgreSQL) ").nth(1)?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number.get(..end)?.parse().ok()
}

/// The programs of `wanted` (the version that made the data: no other reads them), else the newest.
///
/// # Errors
/// There are none, and `PG_BIN` or the failed download is named.
pub async fn find(search: &Search, user: &ServerUser, wanted: Option<u32>) -> Result<Programs, EmbeddedError> {
    let fits = |programs: &Programs| wanted.is_none_or(|major| major == programs.major);
    if let Some(bin) = &search.pg_bin {
        let programs = Programs::read(bin, user).ok_or_else(|| EmbeddedError::NoProgramsIn(bin.clone()))?;
        return Some(programs).filter(fits).ok_or(missing(wanted, None));
    }
    let mut found: Vec<Programs> = Vec::new();
    for bin in candidates(search, user) {
        let known = |programs: &Programs| fs::canonicalize(&bin).is_ok_and(|bin| bin == programs.bin);
        if found.iter().any(known) {
            continue;
        }
        found.extend(Programs::read(&bin, user).filter(fits));
    }
    // Stable: of one version, the first place wins.
    found.sort_by_key(|programs| Reverse(programs.major));
    match found.into_iter().next() {
        Some(programs) => Ok(programs),
        // What we would not run need not come.
        None if wanted.is_some_and(|major| major < OLDEST) => Err(missing(wanted, None)),
        None => download(search, user, wanted).await,
    }
}

#[cfg(feature = "fetch-postgres")]
async fn download(search: &Search, user: &ServerUser, wanted: Option<u32>) -> Result<Programs, EmbeddedError> {
    let failed = |why: String| missing(wanted, Some(why));
    let cache = cache(search, user).ok_or_else(|| failed("there is no HOME to keep it in".to_owned()))?;
    let bin = super::fetch::fetch(&cache, wanted).await.map_err(failed)?;
    Programs::read(&bin, user).ok_or_else(|| failed(format!("what came to {} does not run", bin.display())))
}

#[cfg(not(feature = "fetch-postgres"))]
async fn download(_: &Search, _: &ServerUser, wanted: Option<u32>) -> Result<Programs, EmbeddedError> {
    Err(missing(wanted, None))
}

/// Where a download is kept. Root's home is closed to the user that must run it.
fn cache(search: &Search, user: &ServerUser) -> Option<PathBuf> {
    if user.is_dropped_to() {
        return Some(PathBuf::from("/var/cache/strongroom"));
    }
    search.home.as_ref().map(|home| home.join(".cache/strongroom"))
}

fn candidates(search: &Search, user: &ServerUser) -> Vec<PathBuf> {
    let mut bins = Vec::new();
    for (parent, prefix, rest) in [
        ("/usr/lib/postgresql", "", "bin"),                          // Debian, Ubuntu
        ("/usr", "pgsql-", "bin"),                                   // PostgreSQL's packages for Fedora
        ("/usr/lib", "postgresql", "bin"),                           // SUSE
        ("/usr/libexec", "postgresql", ""),                          // Alpine
        ("/opt/homebrew/opt", "postgresql", "bin"),                  // Homebrew
        ("/usr/local/opt", "postgresql", "bin"),                     // Homebrew on Intel
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),     // Homebrew on Linux
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"), // Postgres.app
        ("/usr/local", "pgsql", "bin"),                              // built from source
    ] {
        bins.extend(folders(Path::new(parent), prefix).into_iter().map(|folder| folder.join(rest)));
    }
    bins.extend(
        search
            .path
            .as_deref()
            .map(OsStr::as_encoded_bytes)
            .unwrap_or_default()
            .split(|byte| *byte == b':')
            .filter_map(|folder| std::str::from_utf8(folder).ok())
            .map(PathBuf::from)
            // A relative one would be looked up in whatever folder we are in.
            .filter(|folder| folder.is_absolute()),
    );
    bins.extend(
        cache(search, user)
            .into_iter()
            .flat_map(|cache| folders(&cache, "postgresql-"))
            .map(|folder| folder.join("bin")),
    );
    bins.retain(|bin| bin.join("postgres").exists());
    bins
}

/// The folders in `parent` whose names begin with `prefix`, in one order on every machine.
fn folders(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("mysqld 8"), None);
    }
}
