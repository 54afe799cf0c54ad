//! Errors of the embedded PostgreSQL. Such a message can be the first one that a new user sees, so it says what to do.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// PostgreSQL is not installed and could not be downloaded.
    #[error(
        "No PostgreSQL {MIN_VERSION} or newer is installed here{}: install it ({INSTALL}), set DATABASE_URL to a running server, \
         or run everything in containers with `{COMPOSE}`.",
        tried(download.as_deref())
    )]
    NoPrograms {
        /// The error of the download, if there was one.
        download: Option<String>,
    },
    /// The data was created by a version that is not installed.
    #[error(
        "The development database was created by PostgreSQL {major}, which is not installed here{}: install that version, \
         or delete the data with `cargo run -- dev reset`.",
        tried(download.as_deref())
    )]
    OtherVersion {
        /// The version that created the data.
        major: u32,
        /// The error of the download, if there was one.
        download: Option<String>,
    },
    /// `PG_BIN` contains no usable programs.
    #[error(
        "PG_BIN names {}, which does not contain a working `postgres` {MIN_VERSION} or newer and `initdb`: \
         set it to the folder that contains both, or unset it.", .0.display()
    )]
    NoProgramsIn(PathBuf),
    /// The service runs as root, and the machine has no unprivileged user that can run PostgreSQL.
    #[error(
        "PostgreSQL does not run as root, and /etc/passwd has neither `postgres` nor `nobody`: \
         run this as an ordinary user, or add one with `useradd --system postgres`."
    )]
    NoUser,
    /// Another service uses the development folder.
    #[error(
        "The development database is in use by process {pid}: \
         use the running Strongroom, or stop it first."
    )]
    AlreadyRunning {
        /// The id of that process.
        pid: String,
    },
    /// An error of the file system.
    #[error(
        "{} cannot be used ({source}): change its owner to the user who runs this, or remove it.", path.display()
    )]
    Folder { path: PathBuf, source: io::Error },
    /// Another user owns the folder or can access it. That user could impersonate the server on its socket.
    #[error(
        "{} belongs to another user or is accessible to others: remove it, or ask its owner to remove it.", .0.display()
    )]
    NotOurs(PathBuf),
    /// The user that runs the server has lost access to a folder above the data.
    #[error(
        "User {user} can no longer reach the database in {}: allow access (`chmod o+x` on the folders above it), \
         or delete the data with `cargo run -- dev reset`.", path.display()
    )]
    Unreachable {
        /// The user that runs the server.
        user: String,
        path: PathBuf,
    },
    /// The data folder exists but is incomplete.
    #[error(
        "{} is not a complete PostgreSQL database: restore it from a backup, or delete it with `cargo run -- dev reset`.",
        .0.display()
    )]
    Incomplete(PathBuf),
    #[error("PostgreSQL could not create a database in {} ({reason}): fix this and try again.", path.display())]
    Initdb {
        path: PathBuf,
        /// The last error in the output of `initdb`.
        reason: String,
    },
    /// The program `postgres` ended before it accepted connections.
    #[error(
        "PostgreSQL did not start ({reason}): see {}, or delete the database with `cargo run -- dev reset`.", log.display()
    )]
    DidNotStart {
        /// The last error in the log of the server.
        reason: String,
        log: PathBuf,
    },
    /// The server started, but did not accept connections in time.
    #[error("PostgreSQL did not accept connections in time: see {}, and try again.", .0.display())]
    NoAnswer(PathBuf),
    /// The server of a previous start is still running.
    #[error(
        "The previous PostgreSQL in this folder (process {0}) does not stop: stop it with `kill -INT {0}` and try again."
    )]
    DoesNotEnd(String),
    /// An SQL statement failed during the setup.
    #[error(
        "The embedded PostgreSQL failed to create its roles ({0}): delete the database with `cargo run -- dev reset`."
    )]
    Sql(#[from] sqlx::Error),
}

/// Version 15 introduced `create database … strategy file_copy`, which the tests use.
/// The migrations also need this version: since 15, the schema `public` belongs to the owner of the database.
pub(super) const MIN_VERSION: u32 = 15;
const INSTALL: &str = "Debian and Ubuntu: `apt install postgresql`, Fedora: `dnf install postgresql-server`, \
                       Homebrew: `brew install postgresql@17`";
const COMPOSE: &str = "deploy/make-secrets.sh && docker compose up --build";

fn tried(download: Option<&str>) -> String {
    download.map(|error| format!(", and the download failed ({error})")).unwrap_or_default()
}

/// Returns the error for missing programs. `required` is the version that existing data need.
pub(super) fn missing(required: Option<u32>, download: Option<String>) -> EmbeddedError {
    match required {
        Some(major) => EmbeddedError::OtherVersion { major, download },
        None => EmbeddedError::NoPrograms { download },
    }
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    let path = path.to_owned();
    move |source| EmbeddedError::Folder { path, source }
}
