//! Where one server lives: its folder, its socket, and what runs there.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use super::error::EmbeddedError;
use super::user::ServerUser;

/// How often we look whether something has happened.
pub(super) const LOOK: Duration = Duration::from_millis(5);
/// Without a TCP port, this is only a part of the socket's name.
pub(super) const PORT: u16 = 5432;
/// How the names of data in the making begin.
const UNFINISHED: &str = "unfinished-";
/// The path of a socket has 108 bytes on Linux and 104 on macOS, the closing zero included.
const LONGEST_SOCKET: usize = 103;

/// A server's folder, and the user that it belongs to.
#[derive(Clone, Debug)]
pub struct Home {
    /// As whom the server runs.
    pub user: ServerUser,
    /// Holds `data/` and `log`.
    pub folder: PathBuf,
    /// Holds the socket; the same folder, unless its path is too long for one.
    pub socket: PathBuf,
}

impl Home {
    /// Names the places. Nothing is made yet.
    #[must_use]
    pub fn new(user: ServerUser, folder: PathBuf) -> Self {
        let text = folder.as_os_str().as_encoded_bytes();
        let fits = text.len() + format!("/.s.PGSQL.{PORT}").len() <= LONGEST_SOCKET
            // PostgreSQL takes a list of folders, in which these have a meaning.
            && !text.contains(&b',') && !text.contains(&b'"');
        let socket = if fits {
            folder.clone()
        } else {
            PathBuf::from(format!("/tmp/strongroom-{}-{}", user.uid(), name_of(text)))
        };
        Self { user, folder, socket }
    }

    /// Makes both folders, or finds them ours alone. Removes what killed starts left in them.
    ///
    /// # Errors
    /// They cannot be made, or are another's.
    pub fn prepare(&self) -> Result<(), EmbeddedError> {
        self.user.own_folder(&self.folder)?;
        self.user.own_folder(&self.socket)?;
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                // Its `initdb` may still be writing: then the next start gets it.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }

    /// A name for data in the making.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.folder.join(format!("{UNFINISHED}{}", Uuid::new_v4().simple()))
    }

    /// PostgreSQL's own folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// What the server says.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Whether a server listens on the socket.
    #[must_use]
    pub fn answers(&self) -> bool {
        UnixStream::connect(self.socket.join(format!(".s.PGSQL.{PORT}"))).is_ok()
    }

    /// The server's process, as it says itself.
    pub(super) fn pid(&self) -> Option<String> {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let pid = file.lines().next()?.trim();
        (!pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())).then(|| pid.to_owned())
    }

    /// Ends a server that still runs here, and waits for it. After SIGKILL of the service it is ending already; one
    /// whose shell was killed as well is told to.
    ///
    /// # Errors
    /// It does not end in 30 seconds.
    pub async fn end_previous(&self) -> Result<(), EmbeddedError> {
        for look in 0..6000 {
            if !self.answers() {
                return Ok(());
            }
            // Its socket answers, so the pid in its folder is its own, and not a stranger's who was given it later.
            if let Some(pid) = self.pid().filter(|_| look == 0) {
                tracing::debug!(pid, "ending the previous embedded PostgreSQL");
                let _ = self.user.shell("kill -INT \"$1\"", &[OsStr::new(&pid)]).status();
            }
            sleep(LOOK).await;
        }
        Err(EmbeddedError::DoesNotEnd(self.pid().unwrap_or_default()))
    }
}

/// A short name for a path or the like: FNV-1a, since it must stay the same with every release of Rust, which std's hasher does not
/// promise. It keeps checkouts apart and guards nothing; who owns a folder is looked at (`ServerUser::own_folder`).
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
    fn a_socket_path_is_never_too_long() {
        let user = ServerUser::choose(None, "/tmp".as_ref()).unwrap();
        for folder in ["/short".to_owned(), "/a,b".to_owned(), format!("/{}", "long/".repeat(60))] {
            let home = Home::new(user.clone(), PathBuf::from(&folder));
            assert!(home.socket.as_os_str().len() < 90, "{folder}");
            assert_eq!(home.socket == home.folder, folder == "/short");
        }
    }

    #[test]
    fn a_path_keeps_its_name() {
        assert_eq!(name_of(b"a"), "af63dc4c8601ec8c");
    }
}
