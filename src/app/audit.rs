//! `audit …`: what can be said of the security events from outside of the service. And the events of commands.

use std::path::Path;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use sqlx::{Connection, PgConnection};

use super::failure::Failure;
use super::output::print_line;
use super::start_up::{connect_as_owner, end};
use crate::base::clock::Clock;
use crate::config::AuditSettings;
use crate::security::audit::archive;
use crate::security::audit::chain_heads;
use crate::security::audit::context::background;
use crate::security::audit::event::Event;
use crate::security::audit::recorder::Recorder;
use crate::security::audit::verify::Verification;
use crate::security::crypto::keys::Keys;

/// `audit verify`
///
/// # Errors
/// [`Failure::Tampered`] when anything is not as it was recorded; else see [`Failure`].
pub async fn verify(settings: &AuditSettings, heads: Option<&Path>, folder: Option<&Path>) -> Result<(), Failure> {
    let keys = Keys::configured(&settings.master_keys)?;
    let heads = heads.map(std::fs::read_to_string).transpose().map_err(Failure::Heads)?;
    let mut verification = Verification::new(&keys, heads.as_deref());
    if let Some(folder) = folder {
        let lines = archive::lines(folder).map_err(Failure::ArchiveFolder)?;
        verification.archive(lines).map_err(Failure::ArchiveFolder)?;
    }
    let (mut connection, embedded) = connect_as_owner(&settings.owner).await?;
    verification.database(&mut connection, Clock::default().now()).await?;
    let report = verification.report;
    connection.close().await?;
    end(embedded).await?;
    print_line(&report)?;
    if report.faults.is_empty() { Ok(()) } else { Err(Failure::Tampered) }
}

/// `audit archive`
///
/// # Errors
/// See [`archive::ArchiveError`]; nothing is removed then.
pub async fn archive(settings: &AuditSettings, before: NaiveDate, folder: &Path) -> Result<(), Failure> {
    let keys = Arc::new(Keys::configured(&settings.master_keys)?);
    let before = before.and_time(NaiveTime::MIN).and_utc();
    if before > Clock::default().now() {
        return Err(Failure::MonthNotOver);
    }
    let (mut connection, embedded) = connect_as_owner(&settings.owner).await?;
    match archive::write(&mut connection, &keys, before, folder).await? {
        Some(written) => {
            let recorder = Recorder::new(keys, Clock::default(), settings.owner.replica.clone());
            background(&recorder, archive::remove(&mut connection, &written)).await?;
            print_line(format!("{} events are archived in {}.", written.events, written.file.display()))?;
        }
        None => print_line("No event was sealed before that month.")?,
    }
    connection.close().await?;
    end(embedded).await
}

/// `audit key`
///
/// # Errors
/// The master key cannot be used.
pub fn public_keys(settings: &AuditSettings) -> Result<(), Failure> {
    print_line(chain_heads::public_keys(&Keys::configured(&settings.master_keys)?))
}

/// Keeps what a command does, in the transaction in which it does it.
pub(super) async fn keep(
    settings: &AuditSettings,
    events: Vec<Event>,
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    let keys = Arc::new(Keys::configured(&settings.master_keys)?);
    let recorder = Recorder::new(keys, Clock::default(), settings.owner.replica.clone());
    // A command has no log: its rows are all that tells of it.
    let _rows = background(&recorder, Event::record_all_in(events, connection)).await.map_err(Failure::Audit)?;
    Ok(())
}
