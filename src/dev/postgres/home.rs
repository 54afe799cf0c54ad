//! The folders of a PostgreSQL server, which contain its data, log and socket.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use super::error::EmbeddedError;
use super::user::ServerUser;

/// The time between two checks while this process waits for the server.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// A part of the name of the socket. The server has no TCP port.
pub(super) const PORT: u16 = 5432;
/// The prefix of the names of incomplete data folders.
const UNFINISHED: &str = "unfinished-";
/// The maximum length of a socket's path. It is 108 bytes on Linux and 104 on macOS, including the final zero.
const MAX_SOCKET_PATH: usize = 103;

/// The folders of a server and the user that owns them.
#[derive(Clone, Debug)]
pub struct Home {
    /// The user that runs the server.
    pub user: ServerUser,
    /// The folder that contains `data/` and `log`.
    pub folder: PathBuf,
    /// The folder that contains the socket: `folder`, or a folder in /tmp if the path of `folder` is too long for a
    /// socket.
    pub socket: PathBuf,
}

impl Home {
    /// Determines the paths without creating anything.
    #[must_use]
    pub fn new(user: ServerUser, folder: PathBuf) -> Self {
        let text = folder.as_os_str().as_encoded_bytes();
        let fits = text.len() + format!("/.s.PGSQL.{PORT}").len() <= MAX_SOCKET_PATH
            // Commas and quotation marks have a special meaning in PostgreSQL's list of socket folders.
            && !text.contains(&b',') && !text.contains(&b'"');
        let socket = if fits {
            folder.clone()
        } else {
            PathBuf::from(format!("/tmp/strongroom-{}-{}", user.uid(), name_of(text)))
        };
        Self { user, folder, socket }
    }

    /// Creates both folders, or checks that existing folders are private. Removes incomplete data of killed starts.
    ///
    /// # Errors
    /// Fails if the folders cannot be created or are accessible to other users.
    pub fn prepare(&self) -> Result<(), EmbeddedError> {
        self.user.own_folder(&self.folder)?;
        self.user.own_folder(&self.socket)?;
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                // The call fails if `initdb` is still writing to the folder. The next start removes the folder.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }

    /// Returns a new name for an incomplete data folder.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.folder.join(format!("{UNFINISHED}{}", Uuid::new_v4().simple()))
    }

    /// Returns PostgreSQL's data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Returns the path of the server's log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Returns whether a server listens on the socket.
    #[must_use]
    pub fn answers(&self) -> bool {
        UnixStream::connect(self.socket.join(format!(".s.PGSQL.{PORT}"))).is_ok()
    }

    /// Returns the process id from the server's pid file.
    pub(super) fn pid(&self) -> Option<String> {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let pid = file.lines().next()?.trim();
        (!pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())).then(|| pid.to_owned())
    }

    /// Waits until a previous server has stopped. If the service was killed, its shell script stops the server. If the
    /// script was killed too, this function sends SIGINT to the server.
    ///
    /// # Errors
    /// Fails if the server does not stop within 30 seconds.
    pub async fn end_previous(&self) -> Result<(), EmbeddedError> {
        for look in 0..6000 {
            if !self.answers() {
                return Ok(());
            }
            // The server accepts connections, so its process id is current and no other process has it.
            if let Some(pid) = self.pid().filter(|_| look == 0) {
                tracing::debug!(pid, "stopping the previous embedded PostgreSQL");
                let _ = self.user.shell("kill -INT \"$1\"", &[OsStr::new(&pid)]).status();
            }
            sleep(POLL_INTERVAL).await;
        }
        Err(EmbeddedError::DoesNotEnd(self.pid().unwrap_or_default()))
    }
}

/// Returns a short, stable name for a path (FNV-1a; the hash of the standard library may change between releases of
/// Rust). The name only distinguishes checkouts. `ServerUser::own_folder` checks who owns a folder.
#[must_use]
pub fn name_of(text: &[u8]) -> String {
    let hash = text
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_path_is_never_too_long() {
        let user = ServerUser::choose(None, "/tmp".as_ref()).unwrap();
        for folder in ["/short".to_owned(), "/a,b".to_owned(), format!("/{}", "long/".repeat(60))] {
            let home = Home::new(user.clone(), PathBuf::from(&folder));
            assert!(home.socket.as_os_str().len() < 90, "{folder}");
            assert_eq!(home.socket == home.folder, folder == "/short");
        }
    }

    #[test]
    fn name_of_a_path_is_stable() {
        assert_eq!(name_of(b"a"), "af63dc4c8601ec8c");
    }
}
