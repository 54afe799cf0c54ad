//! What can go wrong with the embedded PostgreSQL. Each message is one sentence that says what to do, because it is the
//! first thing that a new user may see.

use std::io;
use std::path::{Path, PathBuf};

/// Why there is no embedded PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Not installed, and not downloaded.
    #[error(
        "No PostgreSQL {OLDEST} or newer is installed here{}: install it ({INSTALL}), set DATABASE_URL to one that runs, \
         or run everything in containers with `{COMPOSE}`.",
        tried(download.as_deref())
    )]
    NoPrograms {
        /// Why the download failed, where one was tried.
        download: Option<String>,
    },
    /// The data are of a version that is not installed.
    #[error(
        "The development database was made by PostgreSQL {major}, which is not installed here{}: install that version, \
         or remove the data for good with `cargo run -- dev reset`.",
        tried(download.as_deref())
    )]
    OtherVersion {
        /// The version that made the data.
        major: u32,
        /// Why the download failed, where one was tried.
        download: Option<String>,
    },
    /// `PG_BIN` is wrong.
    #[error(
        "PG_BIN names {}, where there is no working `postgres` {OLDEST} or newer with its `initdb`: \
         set it to the folder that holds both, or unset it.", .0.display()
    )]
    NoProgramsIn(PathBuf),
    /// Root, and nobody to drop to.
    #[error(
        "PostgreSQL does not run as root and /etc/passwd names neither `postgres` nor `nobody`: \
         run this as an ordinary user, or add one with `useradd --system postgres`."
    )]
    NoUser,
    /// A second start.
    #[error(
        "The development database is in use by process {pid}: \
         use the Strongroom that already runs, or stop it first."
    )]
    AlreadyRunning {
        /// Who holds it.
        pid: String,
    },
    /// Files.
    #[error(
        "{} cannot be used ({source}): give it to the user who runs this, or remove it.", path.display()
    )]
    Folder {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else made the folder: they could hold the other end of the socket.
    #[error(
        "{} belongs to another user or is open to others: remove it, or ask its owner to.", .0.display()
    )]
    NotOurs(PathBuf),
    /// The way to it has been closed since it was made.
    #[error(
        "User {user} can no longer reach the database in {}: open the way to it (`chmod o+x` on the folders above it), \
         or remove its data for good with `cargo run -- dev reset`.", path.display()
    )]
    Unreachable {
        /// The user that runs the server.
        user: String,
        /// Where the data are.
        path: PathBuf,
    },
    /// Not a whole database.
    #[error(
        "{} is not a whole PostgreSQL database: restore it from a copy, or start anew with `cargo run -- dev reset`.",
        .0.display()
    )]
    Incomplete(PathBuf),
    /// `initdb` refused.
    #[error("PostgreSQL could not make a database in {} ({said}): put that right and try again.", path.display())]
    Initdb {
        /// Where.
        path: PathBuf,
        /// Its last line.
        said: String,
    },
    /// `postgres` refused.
    #[error(
        "PostgreSQL did not start, saying \"{said}\": see {}, or start anew with `cargo run -- dev reset`.", log.display()
    )]
    DidNotStart {
        /// The log's last telling line.
        said: String,
        /// The whole log.
        log: PathBuf,
    },
    /// It started but does not answer.
    #[error("PostgreSQL did not answer in time: see {}, and try again.", .0.display())]
    NoAnswer(PathBuf),
    /// A previous one does not end.
    #[error(
        "The previous PostgreSQL in this folder (process {0}) does not end: end it with `kill -INT {0}` and try again."
    )]
    DoesNotEnd(String),
    /// It answers, but not as it should.
    #[error("The embedded PostgreSQL refused to prepare its roles ({0}): start anew with `cargo run -- dev reset`.")]
    Sql(#[from] sqlx::Error),
}

/// STRATEGY file_copy and pg_database_owner came with 15.
pub(super) const OLDEST: u32 = 15;
const INSTALL: &str = "Debian and Ubuntu: `apt install postgresql`, Fedora: `dnf install postgresql-server`, \
                       Homebrew: `brew install postgresql@17`";
const COMPOSE: &str = "deploy/make-secrets.sh && docker compose up --build";

fn tried(download: Option<&str>) -> String {
    download.map(|why| format!(", and downloading it failed ({why})")).unwrap_or_default()
}

/// No programs of the version that is needed, if a certain one is.
pub(super) fn missing(wanted: Option<u32>, download: Option<String>) -> EmbeddedError {
    match wanted {
        Some(major) => EmbeddedError::OtherVersion { major, download },
        None => EmbeddedError::NoPrograms { download },
    }
}

/// Names the path in an error of the file system.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    let path = path.to_owned();
    move |source| EmbeddedError::Folder { path, source }
}
