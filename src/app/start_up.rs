//! The commands `serve`, `migrate` and `dev reset`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::failure::Failure;
use super::meters;
use super::output::print_line;
use super::server::{self, Running};
use super::tls::{self, Certificate, TlsError};
use crate::base::clock::Clock;
use crate::config::{
    DatabaseSettings, DevelopmentSettings, LogFormat, OwnerSettings, Profile, Settings, TraceSettings,
};
use crate::db::embedded::{self, DATABASE, DevServer, DevServerConfig, Role};
use crate::db::migrate;
use crate::db::service_role::role_faults;
use crate::features::demo::{self, Demo};
use crate::security::audit::event::{Event, EventKind};
use crate::telemetry;
use crate::telemetry::traces::Traces;

/// For connecting to the database.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs `serve`.
///
/// # Errors
/// [`Failure`].
pub async fn serve(settings: Arc<Settings>) -> Result<(), Failure> {
    let traces = match &settings.traces {
        TraceSettings { collector: Some(collector), authority } => Some(Traces::new(collector, authority.as_deref())?),
        TraceSettings { collector: None, .. } => None,
    };
    telemetry::start(settings.log.filter.clone(), settings.log.format == LogFormat::Json, traces.as_ref());
    // Only logged: there may be no database to store the event.
    let fault = |failure: &Failure| Event::new(EventKind::SysConfigFault).reason(failure.reason()).record();
    let ended = run(settings, traces.as_ref()).await.inspect_err(fault);
    if let Some(traces) = traces {
        traces.stop().await;
    }
    ended
}

/// Records the security event for an invalid configuration. Starts the log, because nothing else has started yet.
pub fn record_invalid_configuration() {
    telemetry::start(Targets::new().with_default(LevelFilter::INFO), true, None);
    Event::new(EventKind::SysConfigFault).reason("settings").record();
}

async fn run(settings: Arc<Settings>, traces: Option<&Traces>) -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Server)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Server)?;
    let certificate = certificate(&settings)?;
    let (database, embedded) = database(&settings).await?;
    check_database(&settings, &database).await?;
    let mut running = server::start(settings.clone(), database, certificate, Clock::default())?;
    log_addresses(&settings, &running);
    if let Some(traces) = traces {
        meters::register_traces(&running.services.metrics, &traces.delivered());
    }
    if let Some(passwords) = &settings.secrets.demo_passwords {
        // The service connects as the schema's owner only to its own development database.
        let mut owner = match &embedded {
            Some(server) => Some(server.options(Role::Owner, DATABASE).connect().await?),
            None => None,
        };
        let demo_services = running.services.demo_services();
        let demo = demo::create_missing(&demo_services, owner.as_mut(), passwords).await.map_err(Failure::Demo)?;
        match settings.profile {
            Profile::Development => print_line(welcome(&settings, &running, embedded.as_ref(), demo.as_ref()))?,
            Profile::Production if demo.is_some() => tracing::warn!("demo users can log in: do not use real data"),
            Profile::Production => tracing::warn!("demo users have other passwords than the configured one"),
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
    if let Some(embedded) = embedded {
        embedded.stop().await?;
    }
    ended.map_err(Failure::Server)
}

fn certificate(settings: &Settings) -> Result<Option<Arc<Certificate>>, TlsError> {
    match (&settings.tls.files, settings.profile) {
        (Some((certificate, key)), _) => Certificate::load(certificate, key).map(Some),
        (None, Profile::Development) => {
            tls::development_certificate(&settings.state_dir.join("tls"), Clock::default().now()).map(Some)
        }
        (None, Profile::Production) => Ok(None),
    }
}

/// Returns the connection options of the service. Starts and migrates the development database if no other is configured.
async fn database(settings: &Settings) -> Result<(PgConnectOptions, Option<DevServer>), Failure> {
    if let Some(url) = &settings.database.url {
        return Ok((url.clone(), None));
    }
    let server = DevServer::start(&embedded_config(&settings.database, &settings.state_dir)).await?;
    let mut owner = connect(&server.options(Role::Owner, DATABASE)).await?;
    migrate::run(&mut owner).await.map_err(|error| Failure::of_migration(error, true))?;
    owner.close().await?;
    Ok((server.options(Role::App, DATABASE), Some(server)))
}

fn embedded_config(database: &DatabaseSettings, state_dir: &Path) -> DevServerConfig {
    DevServerConfig {
        state_dir: state_dir.to_owned(),
        pg_bin: database.pg_bin.clone(),
        path: database.path.clone(),
        home: database.home.clone(),
    }
}

/// Connects without the pool, which would hide the reason of a failure.
async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Failure> {
    let connected = timeout(CONNECT_TIMEOUT, options.connect()).await;
    Ok(connected.map_err(|_| Failure::DatabaseSilent(CONNECT_TIMEOUT.as_secs()))??)
}

/// Checks that all migrations are applied and, in production, that the role has least privilege.
async fn check_database(settings: &Settings, database: &PgConnectOptions) -> Result<(), Failure> {
    let mut connection = connect(database).await?;
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

/// Logs the addresses of the listeners.
fn log_addresses(settings: &Settings, running: &Running) {
    let (plain, management) = (running.http, running.management);
    let public_url = &settings.http.public_url;
    match running.https {
        Some(https) => tracing::info!(%plain, %management, public_url, "listening on https://{https}"),
        None => tracing::info!(%management, public_url, "listening on http://{plain}"),
    }
}

fn welcome(settings: &Settings, running: &Running, embedded: Option<&DevServer>, demo: Option<&Demo>) -> String {
    let base = format!("http://{}", running.http);
    let page = if settings.http.docs { "docs" } else { "api/v1/openapi.json" };
    let mut lines = format!("  open        {base}/{page}\n");
    if let Some(https) = running.https {
        let authority = settings.state_dir.join("tls/ca.pem");
        lines += &format!("  over TLS    https://{https} (trust {})\n", authority.display());
    }
    lines += &format!("  metrics     http://{}/metrics\n", running.management);
    if let Some(embedded) = embedded {
        lines += &format!("  database    {}\n", embedded.data_dir().display());
    }
    let folder = settings.state_dir.display();
    let users = match demo {
        Some(demo) => demo.lines(&base),
        None => "The demo users have changed their passwords, or are temporarily locked.".to_owned(),
    };
    format!(
        "\nStrongroom is ready (development profile, reachable from this machine only).\n\n{lines}  files       {folder} (`cargo run -- dev reset` deletes them)\n\n{users}\n\nStop with Ctrl-C.\n"
    )
}

/// Connects as the schema's owner. Starts the development database for the duration of the command.
pub(super) async fn connect_as_owner(settings: &OwnerSettings) -> Result<(PgConnection, Option<DevServer>), Failure> {
    if let Some(url) = &settings.database.owner_url {
        return Ok((connect(url).await?, None));
    }
    let server = DevServer::start(&embedded_config(&settings.database, &settings.state_dir)).await?;
    Ok((connect(&server.options(Role::Owner, DATABASE)).await?, Some(server)))
}

pub(super) async fn stop(embedded: Option<DevServer>) -> Result<(), Failure> {
    match embedded {
        Some(embedded) => Ok(embedded.stop().await?),
        None => Ok(()),
    }
}

/// Runs `migrate`.
///
/// # Errors
/// [`Failure`].
pub async fn migrate(settings: &OwnerSettings) -> Result<(), Failure> {
    let (mut owner, embedded) = connect_as_owner(settings).await?;
    let applied = migrate::run(&mut owner).await.map_err(|error| Failure::of_migration(error, embedded.is_some()))?;
    owner.close().await?;
    for migration in &applied {
        print_line(format!("applied {} {}", migration.version, migration.description))?;
    }
    print_line(match applied.len() {
        0 => "The schema is up to date. No migration was applied.".to_owned(),
        1 => "The schema is up to date. 1 migration was applied.".to_owned(),
        many => format!("The schema is up to date. {many} migrations were applied."),
    })?;
    stop(embedded).await
}

/// Runs `dev reset`.
///
/// # Errors
/// [`Failure`].
pub async fn reset(settings: &DevelopmentSettings) -> Result<(), Failure> {
    let removed = embedded::dev::reset(&embedded_config(&settings.database, &settings.state_dir)).await?;
    if removed.is_empty() {
        print_line(format!("Nothing to delete in {}.", settings.state_dir.display()))?;
    }
    for folder in removed {
        print_line(format!("deleted {}", folder.display()))?;
    }
    Ok(())
}
