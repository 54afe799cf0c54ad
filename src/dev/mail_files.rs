//! Writes mails to files, for development without a mail server.

use std::path::Path;

use tokio::fs;
use tokio::io::AsyncWriteExt;

/// Writes a mail to a file atomically, so that a reader never sees an incomplete mail.
/// Only the current user can read the file, because a mail can contain a token.
pub async fn write(folder: &Path, path: &Path, message: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder).await?;
    let unfinished = path.with_extension("part");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(&unfinished).await?;
    file.write_all(message).await?;
    file.flush().await?;
    fs::rename(&unfinished, path).await
}
