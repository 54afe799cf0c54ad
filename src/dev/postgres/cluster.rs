//! Creates a PostgreSQL server with `initdb` and starts it. Clients connect over a Unix socket.
//! A shell script stops the server when this process ends, so that no server remains after a crash.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Error as SqlError};
use tokio::time::{sleep, timeout};

use super::error::{EmbeddedError, at};
use super::home::{Home, POLL_INTERVAL, PORT};
use super::programs::Programs;
use super::roles::Role;

/// The timeout is long, because PostgreSQL may first recover from a crash.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// A PostgreSQL server: its programs and its folders.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub programs: Programs,
    pub home: Home,
}

/// A shell script that starts and stops the server. Its arguments are the server's folder and the server's command.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// The text for `sh -c`.
    pub script: &'static str,
    /// Whether the standard input of the script is a pipe from this process.
    pub by_pipe: bool,
}

impl Watch {
    /// Stops the server when this process ends: the kernel closes the pipe to the script, even after SIGKILL.
    /// The script reads from descriptor 3, because a background command gets `/dev/null` as its standard input.
    pub const UNTIL_PARENT_EXITS: Self = Self {
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
    /// Returns the options for a connection. Ignores `~/.pgpass`, which may contain another server's password.
    #[must_use]
    pub fn options(&self, role: Role, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.home.socket)
            .port(PORT)
            .username(role.name())
            .database(database)
    }

    /// Creates the data folder, which takes one or two seconds.
    /// Until the folder is complete, it has a temporary name, so an incomplete folder is never used as the database.
    /// Each attempt uses a new name, because the `initdb` of a killed service may still be running.
    pub fn initialize(&self, options: &[&str]) -> Result<(), EmbeddedError> {
        let (data, unfinished) = (self.home.data(), self.home.unfinished());
        let initdb = self.programs.program("initdb");
        let made = self
            .home
            .user
            .command(&initdb)
            .arg("-D")
            .arg(&unfinished)
            .args(["-U", Role::Superuser.name(), "-A", "trust", "-E", "UTF8", "--locale=C"])
            .args(options)
            .stderr(Stdio::piped())
            .output()
            .map_err(at(&initdb))?;
        if !made.status.success() {
            let output = String::from_utf8_lossy(&made.stderr);
            let reason = failure_reason(&output).unwrap_or_else(|| made.status.to_string());
            return Err(EmbeddedError::Initdb { path: data, reason });
        }
        fs::rename(&unfinished, &data).map_err(at(&data))
    }

    /// Starts the server and connects to it as superuser.
    pub async fn start(&self, watch: Watch, settings: &[&str]) -> Result<(Child, PgConnection), EmbeddedError> {
        // A previous server that is still shutting down locks its data. So try again for a short time.
        for _ in 0..400 {
            let mut child = self.spawn(watch, settings)?;
            match self.first_connection(&mut child).await {
                Err(EmbeddedError::DidNotStart { reason, .. }) if is_in_use(&reason) => sleep(4 * POLL_INTERVAL).await,
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
                    Err(error) if is_starting(&error) => {}
                    Err(error) => return Err(error.into()),
                }
                if child.try_wait().map_err(at(&self.home.folder))?.is_some() {
                    let log = self.home.log();
                    let output = fs::read_to_string(&log).unwrap_or_default();
                    let reason = failure_reason(&output).unwrap_or_else(|| "no reason".to_owned());
                    return Err(EmbeddedError::DidNotStart { reason, log });
                }
                sleep(POLL_INTERVAL).await;
            }
        };
        timeout(START_TIMEOUT, wait).await.unwrap_or_else(|_| Err(EmbeddedError::NoAnswer(self.home.log())))
    }
}

/// Returns whether the server is still starting: no socket exists, or the SQLSTATE is 57P03 (`cannot_connect_now`).
fn is_starting(error: &SqlError) -> bool {
    match error {
        SqlError::Io(_) => true,
        SqlError::Database(error) => error.code().as_deref() == Some("57P03"),
        _ => false,
    }
}

/// Returns whether a server that is shutting down still has the lock file or the shared memory.
fn is_in_use(reason: &str) -> bool {
    reason.contains("already exists") || reason.contains("is still in use")
}

/// Returns the last line of the log that is marked as an error, or all lines without the mark `LOG:`.
fn failure_reason(log: &str) -> Option<String> {
    // Lines such as "the database system is starting up" only report a refused attempt to connect.
    let mut lines = log.lines().rev().filter(|line| !line.contains("the database system is"));
    let marked = lines.find_map(|line| {
        let mut marks = ["FATAL:", "PANIC:", "error:"].iter();
        marks.find_map(|mark| line.split_once(mark).map(|(_, reason)| reason.trim().to_owned()))
    });
    let reason = marked.unwrap_or_else(|| {
        let unusual = log.lines().map(str::trim).filter(|line| !line.contains("LOG:"));
        unusual.collect::<Vec<_>>().join(" ")
    });
    let reason = reason.trim().trim_end_matches('.');
    (!reason.is_empty()).then(|| reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_of_a_failure_is_found_in_the_log() {
        let log = "LOG:  starting\nFATAL:  could not open file \"x\": No such file\nFATAL:  the database system is starting up\nLOG:  database system is shut down\n";
        assert_eq!(failure_reason(log).unwrap(), "could not open file \"x\": No such file");
        assert_eq!(failure_reason("LOG:  x\nnot found,\nor so.\n").unwrap(), "not found, or so");
        assert_eq!(failure_reason("\n"), None);
    }
}
