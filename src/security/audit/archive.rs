//! `strongroom audit archive`: retention of security events (CWE-779, CWE-778).
//!
//! **Attack**: a table that only grows; or rows removed by hand, after which deleted evidence cannot be told from old rows.
//! **Control**: the command verifies whole batches, writes them to one file, and removes them in the transaction that records the
//! event `sys_audit_archived`. Its MAC needs the master key, so the schema's owner alone cannot remove a batch unseen. The
//! first batch that is left still holds the MAC of the last one in the file: `audit verify --archive` proves both and their
//! joint.
//! **Limits**: an operator who deletes the files. Keep them where the database's owner cannot write.
//! **ASVS**: 16.4.2, 14.2.7 · **Test**: `attacks::audit::archive`

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use super::archive_store;
use super::event::{Event, EventKind};
use super::verify::{Report, Verification};
use super::verify_store;
use crate::http::error::ApiError;
use crate::security::crypto::keys::Keys;

/// A file that was written, whose batches may be removed.
pub struct Written {
    pub file: PathBuf,
    pub last_batch: i64,
    pub events: i64,
}

/// Why nothing was archived.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("the archive cannot be written or read: {0}")]
    Io(#[from] io::Error),
    #[error("the archive cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the database does not answer: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the event of the archive cannot be kept: {0}")]
    Event(ApiError),
    /// The database holds events that are not as they were recorded.
    #[error("{0}")]
    Tampered(Box<Report>),
}

/// Verifies the batches that were sealed before this moment, and writes them to a file in this folder. The newest batch of all
/// stays, so that the chain goes on. `None`: there are no such batches.
///
/// # Errors
/// See [`ArchiveError`]. Then no file is left.
pub async fn write(
    connection: &mut PgConnection,
    keys: &Keys,
    before: DateTime<Utc>,
    folder: &Path,
) -> Result<Option<Written>, ArchiveError> {
    let Some(last_batch) = archive_store::last_batch_before(connection, before).await? else { return Ok(None) };
    let unfinished = folder.join("unfinished.tmp");
    let result = write_batches(connection, keys, last_batch, &unfinished).await;
    let (first_batch, events) = result.inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
    // In the order of their names, files are in the order of their batches.
    let file = folder.join(format!("security-events-{first_batch:012}-{last_batch:012}.jsonl"));
    fs::rename(&unfinished, &file)?;
    File::open(folder)?.sync_all()?;
    Ok(Some(Written { file, last_batch, events }))
}

async fn write_batches(
    connection: &mut PgConnection,
    keys: &Keys,
    last_batch: i64,
    path: &Path,
) -> Result<(i64, i64), ArchiveError> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut verification = Verification::new(keys, None);
    let (mut events, mut first_batch) = (0, None);
    verification.begin_in_database(connection).await?;
    while let Some(batch) = verification.next_in_database(connection).await? {
        first_batch.get_or_insert(batch.seal.batch);
        events += i64::try_from(batch.rows.len()).unwrap_or(i64::MAX);
        serde_json::to_writer(&mut file, &batch)?;
        file.write_all(b"\n")?;
        if batch.seal.batch >= last_batch {
            break;
        }
    }
    verify_store::end(connection).await?;
    let report = verification.report;
    if !report.faults.is_empty() {
        return Err(ArchiveError::Tampered(Box::new(report)));
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok((first_batch.unwrap_or(last_batch), events))
}

/// Removes what was written, and keeps its event in the same transaction. Runs in the [background] context.
///
/// [background]: super::context::background
///
/// # Errors
/// See [`ArchiveError`]. Then nothing is removed, and the command can be run again.
pub async fn remove(connection: &mut PgConnection, written: &Written) -> Result<(), ArchiveError> {
    let mut transaction = connection.begin().await?;
    let event = Event::new(EventKind::SysAuditArchived).amount(written.last_batch.unsigned_abs());
    let kept = event.keep(&mut transaction).await.map_err(ArchiveError::Event)?;
    archive_store::remove_until(&mut transaction, written.last_batch).await?;
    transaction.commit().await?;
    kept.committed();
    Ok(())
}

/// The lines of all files in this folder, oldest batch first.
///
/// # Errors
/// The folder or a file cannot be read.
pub fn lines(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<String>>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let files: Vec<File> = files.iter().map(File::open).collect::<Result<_, _>>()?;
    Ok(files.into_iter().flat_map(|file| BufReader::new(file).lines()))
}
