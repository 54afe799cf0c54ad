//! The commands `serve` and `migrate`.

use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::database::{Database, connect, connect_as_owner};
#[cfg(feature = "dev")]
use super::development::welcome;
use super::failure::Failure;
use super::meters;
use super::output::print_line;
use super::server::{self, Running};
#[cfg(feature = "dev")]
use super::tls;
use super::tls::{Certificate, TlsError};
use crate::base::clock::Clock;
use crate::config::{LogFormat, OwnerSettings, Profile, Settings, TraceSettings};
use crate::db::migrate;
use crate::db::pool::{has_timeouts, with_timeouts};
use crate::db::service_role::role_faults;
#[cfg(feature = "dev")]
use crate::dev::attacker_page;
use crate::features::demo;
use crate::security::audit::event::{Event, EventKind};
use crate::telemetry;
use crate::telemetry::traces::Traces;

/// Runs `serve`.
pub async fn serve(settings: Arc<Settings>) -> Result<(), Failure> {
    let traces = match &settings.traces {
        TraceSettings { collector: Some(collector), authority } => Some(Traces::new(collector, authority.as_deref())?),
        TraceSettings { collector: None, .. } => None,
    };
    telemetry::start(settings.log.filter.clone(), settings.log.format == LogFormat::Json, traces.as_ref());
    // The database may be the cause of the failure, so only the log contains this event.
    let fault = |failure: &Failure| Event::new(EventKind::SysConfigFault).reason(failure.reason()).record();
    let ended = run(settings, traces.as_ref()).await.inspect_err(fault);
    if let Some(traces) = traces {
        traces.stop().await;
    }
    ended
}

/// Records the security event for an invalid configuration. Starts the log first, because [`serve`] did not run.
pub fn record_invalid_configuration() {
    telemetry::start(Targets::new().with_default(LevelFilter::INFO), true, None);
    Event::new(EventKind::SysConfigFault).reason("settings").record();
}

async fn run(settings: Arc<Settings>, traces: Option<&Traces>) -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Server)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Server)?;
    let certificate = certificate(&settings)?;
    let database = Database::for_service(&settings).await?;
    check_database(&settings, &database.options).await?;
    let mut running = server::start(settings.clone(), database.options.clone(), certificate, Clock::default())?;
    log_addresses(&settings, &running);
    if let Some(traces) = traces {
        meters::register_traces(&running.services.metrics, &traces.delivered());
    }
    #[cfg(feature = "dev")]
    start_attacker_page(&settings, &running)?;
    if let Some(passwords) = &settings.secrets.demo_passwords {
        // Only the owner of the schema can create the administrator of the demo data.
        // The service connects as this role only in development.
        let mut owner = match database.development_owner_options() {
            Some(owner) => Some(owner.connect().await?),
            None => None,
        };
        let demo_services = running.services.demo_services();
        let demo = demo::create_missing(&demo_services, owner.as_mut(), passwords).await.map_err(Failure::Demo)?;
        match settings.profile {
            #[cfg(feature = "dev")]
            Profile::Development => {
                if let Some(demo) = &demo {
                    running.services.demo_accounts.publish(demo);
                }
                print_line(welcome(&settings, &running, &database, demo.as_ref()))?;
            }
            _ if demo.is_some() => tracing::warn!("demo users can log in: do not use real data"),
            _ => tracing::warn!("demo users have other passwords than the configured one"),
        }
    }
    let ended = tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        ended = running.ended() => ended,
    };
    tracing::info!("shutting down: draining, then finishing running requests; a second signal aborts");
    tokio::select! {
        () = running.stop() => {}
        _ = interrupt.recv() => tracing::warn!("aborted by a second signal"),
        _ = terminate.recv() => tracing::warn!("aborted by a second signal"),
    }
    database.stop().await?;
    ended.map_err(Failure::Server)
}

/// In development, starts the HTTP server of the attacker's page (attack panel). It runs until the process ends.
#[cfg(feature = "dev")]
fn start_attacker_page(settings: &Settings, running: &Running) -> Result<(), Failure> {
    if settings.profile == Profile::Development && settings.http.attack_panel {
        let (page, server) = attacker_page::start(&format!("http://{}", running.http)).map_err(Failure::Server)?;
        actix_web::rt::spawn(server);
        running.services.attacker_page.set(page);
    }
    Ok(())
}

fn certificate(settings: &Settings) -> Result<Option<Arc<Certificate>>, TlsError> {
    match (&settings.tls.files, settings.profile) {
        (Some((certificate, key)), _) => Certificate::load(certificate, key).map(Some),
        #[cfg(feature = "dev")]
        (None, Profile::Development) => {
            tls::development_certificate(&settings.state_dir.join("tls"), Clock::default().now()).map(Some)
        }
        (None, _) => Ok(None),
    }
}

/// Checks that all migrations are applied and that database sessions have timeouts.
/// In production, also checks that the database role has least privilege (CWE-250).
async fn check_database(settings: &Settings, database: &PgConnectOptions) -> Result<(), Failure> {
    let mut connection = connect(&with_timeouts(database.clone(), settings.database.statement_timeout)).await?;
    if !has_timeouts(&mut connection).await? {
        return Err(Failure::NoTimeouts);
    }
    if settings.profile == Profile::Production {
        let faults = role_faults(&mut connection).await?;
        if !faults.is_empty() {
            return Err(Failure::Role(faults));
        }
    }
    let is_current = migrate::is_current(&mut connection).await?;
    connection.close().await?;
    if is_current { Ok(()) } else { Err(Failure::NotMigrated) }
}

fn log_addresses(settings: &Settings, running: &Running) {
    let (plain, management) = (running.http, running.management);
    let public_url = &settings.http.public_url;
    match running.https {
        Some(https) => tracing::info!(%plain, %management, public_url, "listening on https://{https}"),
        None => tracing::info!(%management, public_url, "listening on http://{plain}"),
    }
}

/// Runs `migrate`.
pub async fn migrate(settings: &OwnerSettings) -> Result<(), Failure> {
    let (mut owner, database) = connect_as_owner(settings).await?;
    let applied =
        migrate::run(&mut owner).await.map_err(|error| Failure::from_migration(error, database.is_development()))?;
    owner.close().await?;
    for migration in &applied {
        print_line(format!("applied {} {}", migration.version, migration.description))?;
    }
    print_line(match applied.len() {
        0 => "The schema is up to date. No migration was applied.".to_owned(),
        1 => "The schema is up to date. 1 migration was applied.".to_owned(),
        many => format!("The schema is up to date. {many} migrations were applied."),
    })?;
    database.stop().await
}
