//! The commands `audit …`, which verify and archive the audit trail.

use std::path::Path;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use sqlx::{Connection, PgConnection};

use super::database::connect_as_owner;
use super::failure::Failure;
use super::output::print_line;
use crate::base::clock::Clock;
use crate::config::AuditSettings;
use crate::security::audit::archive;
use crate::security::audit::chain_heads;
use crate::security::audit::context::background;
use crate::security::audit::event::Event;
use crate::security::audit::recorder::Recorder;
use crate::security::audit::verify::Verification;
use crate::security::crypto::keys::Keys;

/// Runs `audit verify`.
///
/// # Errors
/// [`Failure::Tampered`] if the hash chain is broken; another [`Failure`] if it could not be verified.
pub async fn verify(settings: &AuditSettings, heads: Option<&Path>, folder: Option<&Path>) -> Result<(), Failure> {
    let keys = Keys::from_settings(&settings.master_keys)?;
    let heads = heads.map(std::fs::read_to_string).transpose().map_err(Failure::Heads)?;
    let mut verification = Verification::new(&keys, heads.as_deref());
    if let Some(folder) = folder {
        let lines = archive::lines(folder).map_err(Failure::ArchiveFolder)?;
        verification.verify_archive(lines).map_err(Failure::ArchiveFolder)?;
    }
    let (mut connection, database) = connect_as_owner(&settings.owner).await?;
    verification.verify_database(&mut connection, Clock::default().now()).await?;
    let report = verification.report;
    connection.close().await?;
    database.stop().await?;
    print_line(&report)?;
    if report.faults.is_empty() { Ok(()) } else { Err(Failure::Tampered) }
}

/// Runs `audit archive`.
///
/// # Errors
/// [`archive::ArchiveError`] if the archive could not be written or verified. In this case, no event is deleted.
pub async fn archive(settings: &AuditSettings, before: NaiveDate, folder: &Path) -> Result<(), Failure> {
    let keys = Arc::new(Keys::from_settings(&settings.master_keys)?);
    let before = before.and_time(NaiveTime::MIN).and_utc();
    if before > Clock::default().now() {
        return Err(Failure::MonthNotOver);
    }
    let (mut connection, database) = connect_as_owner(&settings.owner).await?;
    match archive::write(&mut connection, &keys, before, folder).await? {
        Some(written) => {
            let recorder = Recorder::new(keys, Clock::default(), settings.owner.replica.clone());
            background(&recorder, archive::remove(&mut connection, &written)).await?;
            print_line(format!("Archived {} events in {}.", written.events, written.file.display()))?;
        }
        None => print_line("There are no sealed events before that month.")?,
    }
    connection.close().await?;
    database.stop().await
}

pub fn public_keys(settings: &AuditSettings) -> Result<(), Failure> {
    print_line(chain_heads::public_keys(&Keys::from_settings(&settings.master_keys)?))
}

/// Stores the security events of a command in the same transaction as the change that the command makes.
pub(super) async fn store(
    settings: &AuditSettings,
    events: Vec<Event>,
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    let keys = Arc::new(Keys::from_settings(&settings.master_keys)?);
    let recorder = Recorder::new(keys, Clock::default(), settings.owner.replica.clone());
    // Do not publish the stored events: a command writes no log, so only the database contains them.
    let _rows = background(&recorder, Event::record_all_in(events, connection)).await.map_err(Failure::Audit)?;
    Ok(())
}
