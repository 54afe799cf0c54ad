//! A file while it arrives. Only its own process writes it, nobody else may read it, and it goes away with whoever let it go.
//! Its calls wait for the disk: they are made on threads for that.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use actix_web::web::Bytes;
use uuid::Uuid;

/// What goes to a bucket at once, in bytes: the least that S3 takes for a part that is not the last.
pub(super) const PART: usize = 5 * 1024 * 1024;

/// Bytes on their way in.
pub struct Incoming {
    key: Uuid,
    path: PathBuf,
    file: File,
}

impl Incoming {
    pub(super) fn open(key: Uuid, path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { key, path, file })
    }

    /// What these bytes will be kept under.
    #[must_use]
    pub fn key(&self) -> Uuid {
        self.key
    }

    /// The next bytes.
    ///
    /// # Errors
    /// The disk is full or away.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// What has come so far, from its first byte, for reading only.
    ///
    /// # Errors
    /// The disk is away.
    pub fn reader(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// There are no more, and what there was is on the disk: a document that was acknowledged survives the machine.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        self.file.rewind()
    }

    /// The next [`PART`]; shorter only at the end.
    pub(super) fn part(&mut self) -> io::Result<Bytes> {
        let mut part = Vec::with_capacity(PART);
        (&self.file).take(PART as u64).read_to_end(&mut part)?;
        Ok(part.into())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Not there any more if it was kept; if it stays, it is swept.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Removes a file, if it is there.
pub(super) async fn remove(path: &Path) -> io::Result<()> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
