//! The folders of a PostgreSQL server: its data, its log and its socket.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use super::error::EmbeddedError;
use super::user::ServerUser;

/// The delay between two checks whether the server has started or stopped.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// PostgreSQL requires a port number for the name of the socket, although the server has no TCP port.
pub(super) const PORT: u16 = 5432;
/// The prefix of a data folder that is not complete yet.
const UNFINISHED: &str = "unfinished-";
/// The maximum length in bytes on macOS, without the final zero byte. Linux allows four bytes more.
const MAX_SOCKET_PATH: usize = 103;

/// The folders of a server, and the user that owns them.
#[derive(Clone, Debug)]
pub struct Home {
    pub user: ServerUser,
    /// The folder that contains `data/` and `log`.
    pub folder: PathBuf,
    /// The folder of the socket. It is `folder`, unless the path of the socket would be too long, or would contain a
    /// comma or a quotation mark. Then it is a folder in `/tmp`.
    pub socket: PathBuf,
}

impl Home {
    /// Computes the paths, but creates no folders.
    #[must_use]
    pub fn new(user: ServerUser, folder: PathBuf) -> Self {
        let text = folder.as_os_str().as_encoded_bytes();
        let fits = text.len() + format!("/.s.PGSQL.{PORT}").len() <= MAX_SOCKET_PATH
            // PostgreSQL parses this path as a list, which is separated by commas and uses quotation marks.
            && !text.contains(&b',') && !text.contains(&b'"');
        let socket = if fits {
            folder.clone()
        } else {
            PathBuf::from(format!("/tmp/strongroom-{}-{}", user.uid(), name_of(text)))
        };
        Self { user, folder, socket }
    }

    /// Creates both folders, or checks that existing folders are private. Deletes incomplete data of a killed start.
    pub fn prepare(&self) -> Result<(), EmbeddedError> {
        self.user.own_folder(&self.folder)?;
        self.user.own_folder(&self.socket)?;
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                // Fails if `initdb` is still writing to the folder. The next start then deletes it.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }

    pub(super) fn unfinished(&self) -> PathBuf {
        self.folder.join(format!("{UNFINISHED}{}", Uuid::new_v4().simple()))
    }

    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    #[must_use]
    pub fn answers(&self) -> bool {
        UnixStream::connect(self.socket.join(format!(".s.PGSQL.{PORT}"))).is_ok()
    }

    pub(super) fn pid(&self) -> Option<String> {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let pid = file.lines().next()?.trim();
        (!pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())).then(|| pid.to_owned())
    }

    /// Waits until the server of a previous start has stopped. The script of [`Watch`](super::cluster::Watch) stops it.
    /// If the script was killed too, the server runs on. So the function also sends SIGINT to the server.
    pub async fn end_previous(&self) -> Result<(), EmbeddedError> {
        for look in 0..6000 {
            if !self.answers() {
                return Ok(());
            }
            // The server accepts connections. So it still runs, and the id in its pid file belongs to no other process.
            if let Some(pid) = self.pid().filter(|_| look == 0) {
                tracing::debug!(pid, "stopping the previous embedded PostgreSQL");
                let _ = self.user.shell("kill -INT \"$1\"", &[OsStr::new(&pid)]).status();
            }
            sleep(POLL_INTERVAL).await;
        }
        Err(EmbeddedError::DoesNotEnd(self.pid().unwrap_or_default()))
    }
}

/// Returns a short name for a path (FNV-1a hash), to distinguish the databases of several checkouts.
/// The hash of the standard library is not used, because it may change between releases of Rust.
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
