//! One PostgreSQL server: made by `initdb`, started under a shell that ends it, reached by a Unix socket.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Error as SqlError};
use tokio::time::{sleep, timeout};

use super::error::{EmbeddedError, at};
use super::home::{Home, LOOK, PORT};
use super::programs::Programs;
use super::roles::Role;

/// Recovery after a crash may take its time.
const TIME_TO_START: Duration = Duration::from_secs(120);

/// A PostgreSQL and the home that it runs in.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// PostgreSQL.
    pub programs: Programs,
    /// Where, and as whom.
    pub home: Home,
}

/// Who ends the server: a line of `sh` that is given the folder as `$1` and the server's command as the rest.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// What the shell does.
    pub script: &'static str,
    /// Whether its input is ours: a pipe that closes when we end.
    pub by_pipe: bool,
}

impl Watch {
    /// The server ends when the one process that started it ends. The shell reads from a pipe whose other end only that
    /// process holds; the kernel closes it on any end, SIGKILL too, so nothing needs to be polled. Only builtins: the
    /// shell has nothing to start. The subshell's stdin must be named, since POSIX gives a background one `/dev/null`.
    pub const UNTIL_WE_END: Self = Self {
        script: r#"folder=$1; shift; exec 3<&0 </dev/null >"$folder/log" 2>&1
            "$@" 3<&- & server=$!
            (read -r _ <&3; kill -INT "$server") 2>/dev/null & watcher=$!
            wait "$server"; status=$?
            kill "$watcher" 2>/dev/null
            exit "$status""#,
        by_pipe: true,
    };
}

impl Cluster {
    /// How to connect. Nothing is taken from `~/.pgpass`.
    #[must_use]
    pub fn options(&self, role: Role, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.home.socket)
            .port(PORT)
            .username(role.name())
            .database(database)
    }

    /// Makes the data folder (this blocks for a second or two), under another name until it is whole: a start that is killed leaves nothing that could be
    /// taken for a database. Each attempt has its own name, since a killed service's `initdb` works on for a moment.
    ///
    /// # Errors
    /// `initdb` refuses, or the folder cannot be written.
    pub fn initialise(&self, more: &[&str]) -> Result<(), EmbeddedError> {
        let (data, unfinished) = (self.home.data(), self.home.unfinished());
        let initdb = self.programs.program("initdb");
        let made = self
            .home
            .user
            .command(&initdb)
            .arg("-D")
            .arg(&unfinished)
            .args(["-U", Role::Superuser.name(), "-A", "trust", "-E", "UTF8", "--locale=C"])
            .args(more)
            .stderr(Stdio::piped())
            .output()
            .map_err(at(&initdb))?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            let said = telling_line(&said).unwrap_or_else(|| made.status.to_string());
            return Err(EmbeddedError::Initdb { path: data, said });
        }
        fs::rename(&unfinished, &data).map_err(at(&data))
    }

    /// Starts the server and connects to it as superuser.
    ///
    /// # Errors
    /// It does not start (its last line is told) or does not answer in two minutes.
    pub async fn start(&self, watch: Watch, settings: &[&str]) -> Result<(Child, PgConnection), EmbeddedError> {
        // A server that has just ended closes its socket a moment before it gives its data free.
        for _ in 0..400 {
            let mut child = self.spawn(watch, settings)?;
            match self.first_connection(&mut child).await {
                Err(EmbeddedError::DidNotStart { said, .. }) if is_in_use(&said) => sleep(4 * LOOK).await,
                Err(error) => return Err(error),
                Ok(connection) => return Ok((child, connection)),
            }
        }
        Err(EmbeddedError::DoesNotEnd(self.home.pid().unwrap_or_default()))
    }

    fn spawn(&self, watch: Watch, settings: &[&str]) -> Result<Child, EmbeddedError> {
        let (data, postgres) = (self.home.data(), self.programs.program("postgres"));
        let mut command = self.home.user.shell(watch.script, &[self.home.folder.as_os_str(), postgres.as_os_str()]);
        command.args([OsStr::new("-D"), data.as_os_str(), OsStr::new("-k"), self.home.socket.as_os_str()]).args([
            "-h",
            "",
            "-p",
            &PORT.to_string(),
        ]);
        for setting in ["unix_socket_permissions=0700", "timezone=UTC", "log_timezone=UTC"].iter().chain(settings) {
            command.args(["-c", setting]);
        }
        if watch.by_pipe {
            command.stdin(Stdio::piped());
        }
        command.spawn().map_err(at(Path::new("/bin/sh")))
    }

    async fn first_connection(&self, child: &mut Child) -> Result<PgConnection, EmbeddedError> {
        let options = self.options(Role::Superuser, "postgres");
        let wait = async {
            loop {
                match options.connect().await {
                    Ok(connection) => return Ok(connection),
                    Err(error) if is_not_yet(&error) => {}
                    Err(error) => return Err(error.into()),
                }
                if child.try_wait().map_err(at(&self.home.folder))?.is_some() {
                    let log = self.home.log();
                    let said = fs::read_to_string(&log).unwrap_or_default();
                    let said = telling_line(&said).unwrap_or_else(|| "nothing".to_owned());
                    return Err(EmbeddedError::DidNotStart { said, log });
                }
                sleep(LOOK).await;
            }
        };
        timeout(TIME_TO_START, wait).await.unwrap_or_else(|_| Err(EmbeddedError::NoAnswer(self.home.log())))
    }
}

/// The server is there in a moment: no socket yet, or 57P03 (it is starting up).
fn is_not_yet(error: &SqlError) -> bool {
    match error {
        SqlError::Io(_) => true,
        SqlError::Database(error) => error.code().as_deref() == Some("57P03"),
        _ => false,
    }
}

/// A lock file or shared memory of a server that is about to be gone.
fn is_in_use(said: &str) -> bool {
    said.contains("already exists") || said.contains("is still in use")
}

/// What tells most: the last reason that is marked as one, since hints and farewells follow it; without one, all that is
/// not routine.
fn telling_line(log: &str) -> Option<String> {
    // "The database system is starting up" is an answer to our own asking.
    let mut lines = log.lines().rev().filter(|line| !line.contains("the database system is"));
    let marked = lines.find_map(|line| {
        let mut marks = ["FATAL:", "PANIC:", "error:"].iter();
        marks.find_map(|mark| line.split_once(mark).map(|(_, reason)| reason.trim().to_owned()))
    });
    let said = marked.unwrap_or_else(|| {
        let unusual = log.lines().map(str::trim).filter(|line| !line.contains("LOG:"));
        unusual.collect::<Vec<_>>().join(" ")
    });
    let said = said.trim().trim_end_matches('.');
    (!said.is_empty()).then(|| said.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_found_in_the_log() {
        let log = "LOG:  starting\nFATAL:  could not open file \"x\": No such file\nFATAL:  the database system is starting up\nLOG:  database system is shut down\n";
        assert_eq!(telling_line(log).unwrap(), "could not open file \"x\": No such file");
        assert_eq!(telling_line("LOG:  x\nnot found,\nor so.\n").unwrap(), "not found, or so");
        assert_eq!(telling_line("\n"), None);
    }
}
