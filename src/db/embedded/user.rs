//! As whom PostgreSQL runs. It refuses root, and development in a container is often root: then we drop to another user,
//! with nothing but the standard library (no sudo, no unsafe).

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::{EmbeddedError, at};

/// The user that the server runs as.
#[derive(Clone, Debug)]
pub struct ServerUser {
    uid: u32,
    gid: u32,
    name: String,
    /// We are root, and the server must not be.
    drop: bool,
}

impl ServerUser {
    /// Ourselves; for root the owner of `data` if there are any (who may be a developer that started without root
    /// before), else `postgres`, else `nobody`. `scratch` is a folder in which we may write.
    ///
    /// # Errors
    /// Root finds neither user, or `scratch` cannot be written.
    pub fn choose(data: Option<&Path>, scratch: &Path) -> Result<Self, EmbeddedError> {
        let (uid, gid) = ourselves(scratch).map_err(at(scratch))?;
        if uid != 0 {
            let name = format!("id {uid}");
            return Ok(Self { uid, gid, name, drop: false });
        }
        let owner = data.and_then(|data| fs::metadata(data).ok());
        if let Some(owner) = owner.filter(|owner| owner.uid() != 0) {
            let (uid, gid) = (owner.uid(), owner.gid());
            let name = format!("id {uid}");
            return Ok(Self { uid, gid, name, drop: true });
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| {
                let (uid, gid) = ids(&users, name)?;
                Some(Self { uid, gid, name: name.to_owned(), drop: true })
            })
            .ok_or(EmbeddedError::NoUser)
    }

    /// Whether we are root and the server is somebody else.
    #[must_use]
    pub fn is_dropped_to(&self) -> bool {
        self.drop
    }

    /// The id that its files have.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// How it is called, for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that runs as this user, in a process group of its own (Ctrl-C in the terminal must reach the service,
    /// which still needs its database while it drains), with an environment that holds none of our secrets.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the embedded server is a child process")]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin")
            // Messages that we can read; and on macOS, PostgreSQL refuses to start without a locale.
            .env("LC_ALL", "C")
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if self.drop {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// A line of `sh` that runs as this user, with `$1`, `$2` …
    #[must_use]
    pub fn shell(&self, script: &str, arguments: &[&OsStr]) -> Command {
        let mut command = self.command("/bin/sh");
        command.args(["-c", script, "sh"]).args(arguments);
        command
    }

    /// Makes a folder that is this user's alone, or finds it so.
    ///
    /// # Errors
    /// It cannot be made; or it is there but another's, a link, or open to others: in `/tmp` anybody can make the name
    /// first, and would then hold the socket that we connect to.
    pub fn own_folder(&self, path: &Path) -> Result<(), EmbeddedError> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) if self.drop => lchown(path, Some(self.uid), Some(self.gid)).map_err(at(path))?,
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(at(path)(error));
            }
            _ => {}
        }
        let found = fs::symlink_metadata(path).map_err(at(path))?;
        let private = found.is_dir() && found.uid() == self.uid && found.mode() & 0o077 == 0;
        if private { Ok(()) } else { Err(EmbeddedError::NotOurs(path.to_owned())) }
    }

    /// Whether this user can enter the folder: only trying tells, since a closed folder may lie anywhere above it.
    #[must_use]
    pub fn reaches(&self, folder: &Path) -> bool {
        !self.drop || self.shell("cd -- \"$1\"", &[folder.as_os_str()]).status().is_ok_and(|status| status.success())
    }
}

/// Our effective ids. The standard library has no `geteuid`, but the owner of a thing that is ours tells.
fn ourselves(scratch: &Path) -> io::Result<(u32, u32)> {
    let owner = match fs::metadata("/proc/self") {
        Ok(owner) => owner,
        Err(_) => {
            let probe = scratch.join(format!(".owner-{}", uuid::Uuid::new_v4()));
            let owner = fs::File::create_new(&probe)?.metadata();
            fs::remove_file(&probe)?;
            owner?
        }
    };
    Ok((owner.uid(), owner.gid()))
}

/// `name:x:uid:gid:…`
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_whole_name() {
        let users = "postgresql:x:7:8::/:/bin/sh\nbroken\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(ids(users, "postgres"), Some((101, 104)));
        assert_eq!(ids(users, "nobody"), None);
        assert_eq!(ids("nobody:x:what:65534::/:", "nobody"), None);
    }
}
