//! The temporary file of one upload, which only the service's operating system user can read (mode 0600).
//! The methods block on disk I/O, so call them on a blocking thread.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use actix_web::web::Bytes;
use uuid::Uuid;

/// The size of a part in a multipart upload to S3, in bytes. Only the last part may be smaller.
pub(super) const PART_BYTES: usize = 5 * 1024 * 1024;

/// An upload in progress. Dropping it deletes its temporary file.
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

    /// Returns the key under which the file will be stored.
    #[must_use]
    pub fn key(&self) -> Uuid {
        self.key
    }

    /// Appends bytes to the temporary file.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Opens the temporary file for reading.
    pub fn reader(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// Writes all bytes to the disk (fsync), so that a power failure after the reply cannot destroy a document.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        self.file.rewind()
    }

    pub(super) fn part(&mut self) -> io::Result<Bytes> {
        let mut part = Vec::with_capacity(PART_BYTES);
        (&self.file).take(PART_BYTES as u64).read_to_end(&mut part)?;
        Ok(part.into())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Errors are ignored: the file of a stored upload was moved, and `Storage::sweep` deletes files that remain.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Deletes a file. It is no error if the file does not exist.
pub(super) async fn remove(path: &Path) -> io::Result<()> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
