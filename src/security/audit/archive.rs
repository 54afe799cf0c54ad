//! `strongroom audit archive`: retention of security events (CWE-779, CWE-778, API8:2023).
//!
//! **Attack**: the table of security events grows without bound.
//! Or an attacker deletes the rows that prove an attack, and the deletion looks like a clean-up of old rows.
//! **Control**: a batch is one seal of the [`hash_chain`](super::hash_chain) and the rows that the seal covers.
//! The command verifies whole batches and writes them to a file.
//! Then one transaction deletes these batches from the database and records the event `sys_audit_archived`.
//! The MAC of this event needs the master key, so the schema's owner alone cannot disguise a deletion as archiving.
//! The first batch that remains in the database contains the MAC of the last archived batch.
//! So `audit verify --archive` can check the files, the database, and the link between the two.
//! **Limits**: an operator can delete the archive files. Store the files where the owner of the database cannot write.
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

/// A complete archive file. Its batches stay in the database until [`remove`] deletes them.
pub struct ArchiveFile {
    pub file: PathBuf,
    pub last_batch: i64,
    pub events: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("cannot read or write the archive: {0}")]
    Io(#[from] io::Error),
    #[error("cannot write the archive: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the database is unavailable: {0}")]
    Database(#[from] sqlx::Error),
    #[error("cannot record the archive event: {0}")]
    Event(ApiError),
    /// The verification found faults, so nothing was archived.
    #[error("{0}")]
    Tampered(Box<Report>),
}

/// Writes the batches that were sealed before `before` to a file in `folder`, and verifies them.
/// Returns `None` if there are no such batches.
///
/// The newest batch is never archived, because the next seal must contain the MAC of the newest seal.
pub async fn write(
    connection: &mut PgConnection,
    keys: &Keys,
    before: DateTime<Utc>,
    folder: &Path,
) -> Result<Option<ArchiveFile>, ArchiveError> {
    let Some(last_batch) = archive_store::last_batch_before(connection, before).await? else { return Ok(None) };
    let unfinished = folder.join("unfinished.tmp");
    let result = write_batches(connection, keys, last_batch, &unfinished).await;
    let (first_batch, events) = result.inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
    // Pad the numbers with zeros, so that sorting the files by name sorts them by batch.
    let file = folder.join(format!("security-events-{first_batch:012}-{last_batch:012}.jsonl"));
    fs::rename(&unfinished, &file)?;
    File::open(folder)?.sync_all()?;
    Ok(Some(ArchiveFile { file, last_batch, events }))
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
    verification.begin_database(connection).await?;
    while let Some(batch) = verification.verify_next_batch(connection).await? {
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

/// Deletes the archived batches and records `sys_audit_archived` in the same transaction.
///
/// Call it within [`background`](super::context::background), which provides the recorder for the event.
pub async fn remove(connection: &mut PgConnection, written: &ArchiveFile) -> Result<(), ArchiveError> {
    let mut transaction = connection.begin().await?;
    let event = Event::new(EventKind::SysAuditArchived).amount(written.last_batch.unsigned_abs());
    let pending = event.record_in(&mut transaction).await.map_err(ArchiveError::Event)?;
    archive_store::delete_batches(&mut transaction, written.last_batch).await?;
    transaction.commit().await?;
    pending.publish();
    Ok(())
}

/// Returns the lines of all archive files in this folder, oldest batch first.
pub fn lines(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<String>>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let files: Vec<File> = files.iter().map(File::open).collect::<Result<_, _>>()?;
    Ok(files.into_iter().flat_map(|file| BufReader::new(file).lines()))
}
