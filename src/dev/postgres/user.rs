//! The system user that runs PostgreSQL.
//! PostgreSQL refuses to run as root, so a service that runs as root starts it as an unprivileged user.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::{EmbeddedError, at};

#[derive(Clone, Debug)]
pub struct ServerUser {
    uid: u32,
    gid: u32,
    name: String,
    /// Whether this process runs as root.
    must_switch: bool,
}

impl ServerUser {
    /// Chooses the user that runs the server:
    /// - If this process does not run as root, the current user.
    /// - If this process runs as root, the owner of existing `data`, or else `postgres` or `nobody`.
    ///
    /// `scratch` is a writable folder, in which the function may create a file to find out the current user.
    ///
    /// # Errors
    /// Fails if this process is root and no such user exists, or if `scratch` is not writable.
    pub fn choose(data: Option<&Path>, scratch: &Path) -> Result<Self, EmbeddedError> {
        let (uid, gid) = current_ids(scratch).map_err(at(scratch))?;
        if uid != 0 {
            let name = format!("id {uid}");
            return Ok(Self { uid, gid, name, must_switch: false });
        }
        let owner = data.and_then(|data| fs::metadata(data).ok());
        if let Some(owner) = owner.filter(|owner| owner.uid() != 0) {
            let (uid, gid) = (owner.uid(), owner.gid());
            let name = format!("id {uid}");
            return Ok(Self { uid, gid, name, must_switch: true });
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| {
                let (uid, gid) = ids(&users, name)?;
                Some(Self { uid, gid, name: name.to_owned(), must_switch: true })
            })
            .ok_or(EmbeddedError::NoUser)
    }

    /// Returns whether this process is root and the server runs as another user.
    #[must_use]
    pub fn is_unprivileged(&self) -> bool {
        self.must_switch
    }

    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns a command that runs as this user, with an environment without secrets.
    /// The command has its own process group, so that Ctrl-C does not end the database before the last request.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the embedded server is a child process")]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin")
            // The locale C makes messages English, and PostgreSQL on macOS needs a locale.
            .env("LC_ALL", "C")
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if self.must_switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Returns a command that runs a shell script as this user, with the arguments `$1`, `$2` and so on.
    #[must_use]
    pub fn shell(&self, script: &str, arguments: &[&OsStr]) -> Command {
        let mut command = self.command("/bin/sh");
        command.args(["-c", script, "sh"]).args(arguments);
        command
    }

    /// Creates a folder that only this user can access, or checks owner and mode of an existing one.
    /// Without the check, an attacker could create the folder in `/tmp` first, and would own its socket (CWE-379).
    pub fn own_folder(&self, path: &Path) -> Result<(), EmbeddedError> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) if self.must_switch => lchown(path, Some(self.uid), Some(self.gid)).map_err(at(path))?,
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(at(path)(error));
            }
            _ => {}
        }
        let found = fs::symlink_metadata(path).map_err(at(path))?;
        let private = found.is_dir() && found.uid() == self.uid && found.mode() & 0o077 == 0;
        if private { Ok(()) } else { Err(EmbeddedError::NotOurs(path.to_owned())) }
    }

    /// Returns whether this user can enter the folder. A command tries it, because each folder above can deny access.
    #[must_use]
    pub fn reaches(&self, folder: &Path) -> bool {
        !self.must_switch
            || self.shell("cd -- \"$1\"", &[folder.as_os_str()]).status().is_ok_and(|status| status.success())
    }
}

/// Returns the effective user and group id of this process, from the owner of `/proc/self` or of a new file.
/// The standard library has no `geteuid`.
fn current_ids(scratch: &Path) -> io::Result<(u32, u32)> {
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

/// Returns the user and group id of a user in /etc/passwd, whose lines have the form `name:x:uid:gid:…`.
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
    fn user_is_found_by_its_full_name() {
        let users = "postgresql:x:7:8::/:/bin/sh\nbroken\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(ids(users, "postgres"), Some((101, 104)));
        assert_eq!(ids(users, "nobody"), None);
        assert_eq!(ids("nobody:x:what:65534::/:", "nobody"), None);
    }
}
