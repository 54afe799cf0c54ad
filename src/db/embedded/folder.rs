//! Where the development database is: in the checkout (`.strongroom/postgres`), so that it is found and removed with it.
//! Elsewhere, named after the checkout, when that is no place for it: root has dropped to a user who cannot reach
//! root's home, or the file system keeps no owners and modes (a folder shared with Windows or a virtual machine).

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::error::{EmbeddedError, at};
use super::home::{Home, name_of};
use super::programs::Search;
use super::user::ServerUser;

/// Everything that a service in development puts into the folder. Reset removes these and no others: the folder's name
/// comes from a setting, and whoever points it at their home must not lose that.
const CONTENTS: [&str; 6] = [POSTGRES, "documents", "mail", "secrets", "tls", LOCK];
const POSTGRES: &str = "postgres";
const LOCK: &str = "lock";

/// The development folder, locked: one service at a time.
#[derive(Debug)]
pub(super) struct Locked {
    /// `.strongroom` in the checkout.
    pub folder: PathBuf,
    /// The kernel lets go of it when this process ends, however it ends.
    lock: File,
}

impl Drop for Locked {
    fn drop(&mut self) {
        // By name, since closing is not enough: a child that another thread is just starting has a copy until it runs.
        let _ = self.lock.unlock();
    }
}

/// Takes the lock, or says who has it.
pub(super) fn lock(state_dir: &Path) -> Result<Locked, EmbeddedError> {
    loop {
        // Others may pass through (the server's user must), but not look.
        fs::DirBuilder::new().recursive(true).mode(0o711).create(state_dir).map_err(at(state_dir))?;
        let folder = fs::canonicalize(state_dir).map_err(at(state_dir))?;
        let path = folder.join(LOCK);
        let mut lock = match File::options().read(true).write(true).create(true).truncate(false).open(&path) {
            // A reset has just removed the folder.
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
        // A reset may have removed the file between our opening and our locking it; then we hold nothing.
        let ours = lock.metadata().map_err(at(&path))?.ino();
        if fs::metadata(&path).is_ok_and(|now| now.ino() == ours) {
            lock.set_len(0).map_err(at(&path))?;
            write!(lock, "{}", std::process::id()).map_err(at(&path))?;
            return Ok(Locked { folder, lock });
        }
    }
}

impl Locked {
    /// The places where the data can be, best first.
    pub fn places(&self, search: &Search) -> Vec<PathBuf> {
        let name = name_of(self.folder.as_os_str().as_encoded_bytes());
        let mut places = vec![self.folder.join(POSTGRES), Path::new("/var/lib/strongroom").join(&name)];
        places.extend(search.home.as_ref().map(|home| home.join(".local/share/strongroom").join(&name)));
        places
    }

    /// What a reset removes, the lock last.
    pub fn contents(&self) -> impl Iterator<Item = PathBuf> {
        CONTENTS.map(|name| self.folder.join(name)).into_iter()
    }

    /// Where the data are, if there are any.
    pub fn existing(&self, search: &Search) -> Result<Option<Home>, EmbeddedError> {
        for place in self.places(search) {
            let data = place.join("data");
            // Not `exists`: what we may not look into is not nothing, and a new database beside it would look like loss.
            if data.try_exists().map_err(at(&place))? {
                let user = ServerUser::choose(Some(&data), &self.folder)?;
                return Ok(Some(Home::new(user, place)));
            }
        }
        Ok(None)
    }

    /// Where new data shall be, with its folders made.
    pub fn new_home(&self, search: &Search) -> Result<Home, EmbeddedError> {
        let user = ServerUser::choose(None, &self.folder)?;
        let mut refusal = EmbeddedError::NoUser;
        for (rank, place) in self.places(search).into_iter().enumerate() {
            // Below the home of root nobody else gets; below /var/lib nobody but root makes anything.
            let parent_is_for_root = place.starts_with("/var/lib/strongroom");
            if rank > 0 && parent_is_for_root != user.is_dropped_to() {
                continue;
            }
            if let Some(parent) = place.parent().filter(|_| rank > 0) {
                fs::create_dir_all(parent).map_err(at(parent))?;
            }
            let home = Home::new(user.clone(), place);
            match home.prepare() {
                Ok(()) if user.reaches(&home.folder) => return Ok(home),
                Ok(()) => {
                    refusal = EmbeddedError::Unreachable { user: user.name().to_owned(), path: home.folder.clone() };
                }
                Err(error) => refusal = error,
            }
            // Only an empty one goes.
            let _ = fs::remove_dir(&home.folder);
        }
        Err(refusal)
    }
}
