//! Finds PostgreSQL's programs in `PG_BIN`, in the folders of the usual packages, or in `PATH`, or downloads them.

use std::cmp::Reverse;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::error::{EmbeddedError, MIN_VERSION, missing};
use super::user::ServerUser;

/// Where to search. The caller reads the environment through `config/`.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The variable `PG_BIN`. If it is set, only this folder is searched.
    pub pg_bin: Option<PathBuf>,
    pub path: Option<OsString>,
    /// The variable `HOME`, the folder of the cache.
    pub home: Option<PathBuf>,
}

/// An installed PostgreSQL.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The folder that contains `postgres` and `initdb`.
    pub bin: PathBuf,
    pub major: u32,
}

impl Programs {
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Reads the version of the programs in a folder. Returns `None` if they do not run or are too old.
    /// Runs `postgres` as the server's user, who may have no access to programs in root's folders.
    fn read(bin: &Path, user: &ServerUser) -> Option<Self> {
        let postgres = fs::canonicalize(bin.join("postgres")).ok()?;
        let bin = postgres.parent()?.to_owned();
        if !bin.join("initdb").is_file() {
            return None;
        }
        let output = user.command(&postgres).arg("--version").stdout(Stdio::piped()).output().ok()?;
        let major = major(&String::from_utf8_lossy(&output.stdout))?;
        (major >= MIN_VERSION).then_some(Self { bin, major })
    }
}

/// Parses `postgres (PostgreSQL) 15.18 (Debian …)` as 15, and `18beta1` as 18.
fn major(output: &str) -> Option<u32> {
    let number = output.split("(PostgreSQL) ").nth(1)?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number.get(..end)?.parse().ok()
}

/// Finds programs of the version `required`, because only the version that created existing data can read them.
/// Without existing data, uses the newest version.
pub async fn find(search: &Search, user: &ServerUser, required: Option<u32>) -> Result<Programs, EmbeddedError> {
    let fits = |programs: &Programs| required.is_none_or(|major| major == programs.major);
    if let Some(bin) = &search.pg_bin {
        let programs = Programs::read(bin, user).ok_or_else(|| EmbeddedError::NoProgramsIn(bin.clone()))?;
        return Some(programs).filter(fits).ok_or(missing(required, None));
    }
    let mut found: Vec<Programs> = Vec::new();
    for bin in candidates(search, user) {
        let known = |programs: &Programs| fs::canonicalize(&bin).is_ok_and(|bin| bin == programs.bin);
        if found.iter().any(known) {
            continue;
        }
        found.extend(Programs::read(&bin, user).filter(fits));
    }
    // The sort is stable: of equal versions, the folder that was found first stays first.
    found.sort_by_key(|programs| Reverse(programs.major));
    match found.into_iter().next() {
        Some(programs) => Ok(programs),
        // Do not download a version that is too old for this service.
        None if required.is_some_and(|major| major < MIN_VERSION) => Err(missing(required, None)),
        None => download(search, user, required).await,
    }
}

async fn download(search: &Search, user: &ServerUser, required: Option<u32>) -> Result<Programs, EmbeddedError> {
    let failed = |error: String| missing(required, Some(error));
    let cache = cache(search, user).ok_or_else(|| failed("HOME is not set".to_owned()))?;
    let bin = super::fetch::fetch(&cache, required).await.map_err(failed)?;
    Programs::read(&bin, user).ok_or_else(|| failed(format!("the programs in {} do not run", bin.display())))
}

/// Returns the cache folder for downloads. If this process is root, the folder is in /var/cache, because the server's
/// user cannot access root's home.
fn cache(search: &Search, user: &ServerUser) -> Option<PathBuf> {
    if user.is_unprivileged() {
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
            // Ignore relative paths, because their meaning depends on the current folder.
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
    fn major_version_is_parsed() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("mysqld 8"), None);
    }
}
