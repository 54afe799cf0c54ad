//! The location of the development database: `.strongroom/postgres` in the Git checkout. It is elsewhere in two cases:
//! - The user that runs the server cannot access the checkout, for example in root's home folder.
//! - The file system has no owners and modes, for example that of a Windows host.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::error::{EmbeddedError, at};
use super::home::{Home, name_of};
use super::programs::Search;
use super::user::ServerUser;

/// Everything that development creates in the development folder. A reset deletes only these names, because
/// `STRONGROOM_DEV_STATE_DIR` can be a folder with other files.
const CONTENTS: [&str; 6] = [POSTGRES, "documents", "mail", "secrets", "tls", LOCK];
const POSTGRES: &str = "postgres";
const LOCK: &str = "lock";

/// The development folder, locked, so that only one service can use it.
#[derive(Debug)]
pub(super) struct Locked {
    pub folder: PathBuf,
    /// The lock file. The kernel releases the lock when this process ends.
    lock: File,
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing the file is not enough. A child process that another thread starts has a copy of the open file until
        // its exec, and the copy keeps the lock.
        let _ = self.lock.unlock();
    }
}

/// Locks the folder. If another process has locked it, the error contains the id of the other process.
pub(super) fn lock(state_dir: &Path) -> Result<Locked, EmbeddedError> {
    loop {
        // Mode 711: the server's user can enter this folder, but other users cannot list it.
        fs::DirBuilder::new().recursive(true).mode(0o711).create(state_dir).map_err(at(state_dir))?;
        let folder = fs::canonicalize(state_dir).map_err(at(state_dir))?;
        let path = folder.join(LOCK);
        let mut lock = match File::options().read(true).write(true).create(true).truncate(false).open(&path) {
            // A concurrent reset has deleted the folder.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            opened => opened.map_err(at(&path))?,
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = lock.read_to_string(&mut pid);
                return Err(EmbeddedError::AlreadyRunning { pid: pid.trim().to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
        }
        // A concurrent reset may have deleted the open file, and a lock on a deleted file protects nothing.
        let inode = lock.metadata().map_err(at(&path))?.ino();
        if fs::metadata(&path).is_ok_and(|now| now.ino() == inode) {
            lock.set_len(0).map_err(at(&path))?;
            write!(lock, "{}", std::process::id()).map_err(at(&path))?;
            return Ok(Locked { folder, lock });
        }
    }
}

impl Locked {
    /// Returns the possible locations of the database, in the order of preference.
    pub fn places(&self, search: &Search) -> Vec<PathBuf> {
        let name = name_of(self.folder.as_os_str().as_encoded_bytes());
        let mut places = vec![self.folder.join(POSTGRES), Path::new("/var/lib/strongroom").join(&name)];
        places.extend(search.home.as_ref().map(|home| home.join(".local/share/strongroom").join(&name)));
        places
    }

    /// Returns what a reset deletes. The lock file comes last, so that the folder stays locked until the end.
    pub fn contents(&self) -> impl Iterator<Item = PathBuf> {
        CONTENTS.map(|name| self.folder.join(name)).into_iter()
    }

    pub fn existing(&self, search: &Search) -> Result<Option<Home>, EmbeddedError> {
        for place in self.places(search) {
            let data = place.join("data");
            // For an inaccessible database, `exists` would return false.
            // Then the service would create an empty database.
            if data.try_exists().map_err(at(&place))? {
                let user = ServerUser::choose(Some(&data), &self.folder)?;
                return Ok(Some(Home::new(user, place)));
            }
        }
        Ok(None)
    }

    /// Chooses the location of a new database and creates its folders.
    pub fn new_home(&self, search: &Search) -> Result<Home, EmbeddedError> {
        let user = ServerUser::choose(None, &self.folder)?;
        let mut failure = EmbeddedError::NoUser;
        for (rank, place) in self.places(search).into_iter().enumerate() {
            // As root, use /var/lib, because the server's user cannot access root's home.
            let parent_is_for_root = place.starts_with("/var/lib/strongroom");
            if rank > 0 && parent_is_for_root != user.is_unprivileged() {
                continue;
            }
            if let Some(parent) = place.parent().filter(|_| rank > 0) {
                fs::create_dir_all(parent).map_err(at(parent))?;
            }
            let home = Home::new(user.clone(), place);
            match home.prepare() {
                Ok(()) if user.reaches(&home.folder) => return Ok(home),
                Ok(()) => {
                    failure = EmbeddedError::Unreachable { user: user.name().to_owned(), path: home.folder.clone() };
                }
                Err(error) => failure = error,
            }
            // Deletes the folder only if it is empty.
            let _ = fs::remove_dir(&home.folder);
        }
        Err(failure)
    }
}
