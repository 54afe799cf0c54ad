//! Commands: `serve`, `migrate` and `dev reset`, and why any of them ends.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use sqlx::ConnectOptions;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgConnectOptions;
use tokio::signal::unix::{SignalKind, signal};

use super::meters;
use super::server::{self, Running, StartError};
use super::tls::{self, Certificate, TlsError};
use crate::base::clock::Clock;
use crate::base::email::{BadEmail, EmailAddress};
use crate::base::person::Misfit;
use crate::config::{
    BadEnvironment, DatabaseSettings, Faults, LogFormat, OwnerSettings, Profile, Settings, TraceSettings,
};
use crate::db::embedded::{self, DATABASE, DevServer, DevServerConfig, EmbeddedError, Role};
use crate::db::migrate;
use crate::db::service_role::{RoleFault, role_faults};
use crate::features::demo::{self, Demo};
use crate::http::error::ApiError;
use crate::security::keys::BadMasterKey;
use crate::security::log::archive::ArchiveError;
use crate::security::log::event::{Event, EventKind};
use crate::security::passwords::{PasswordRefusal, PasswordSetupError};
use crate::telemetry;
use crate::telemetry::traces::{BadTraces, Traces};

/// Why a command ends. Each is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Configuration(#[from] Faults),
    #[error(transparent)]
    Environment(#[from] BadEnvironment),
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(
        "the schema cannot be brought up to date ({0}): is the database there, and is this the role strongroom_owner?"
    )]
    Migrate(#[from] MigrateError),
    #[error("the database does not answer ({0}): is it there, and are its URL, role and password right?")]
    Database(#[from] sqlx::Error),
    #[error(
        "production does not start with this database role; connect as strongroom_app, and let a superuser take away what it has too much:{}",
        .0.iter().map(|fault| format!("\n  {fault}")).collect::<String>()
    )]
    Role(Vec<RoleFault>),
    #[error("the schema is not up to date: run `strongroom migrate` first")]
    NotMigrated,
    #[error("the log cannot be started: {0}")]
    Log(String),
    #[error("the demo data cannot be made: {0}")]
    Demo(ApiError),
    #[error("{0}")]
    Email(#[from] BadEmail),
    #[error("the name {0}")]
    Name(#[from] Misfit),
    #[error("the password {0}")]
    Password(PasswordRefusal),
    #[error("the password cannot be hashed: {0}")]
    Hashing(ApiError),
    #[error(transparent)]
    PasswordSetup(#[from] PasswordSetupError),
    #[error(transparent)]
    Traces(#[from] BadTraces),
    #[error("nobody has the address {0}: the user registers and confirms first")]
    NoSuchUser(EmailAddress),
    #[error("somebody has the address {0} already: use `strongroom admin promote`")]
    UserExists(EmailAddress),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the event of this act cannot be kept: {0}")]
    Audit(ApiError),
    #[error("the master key cannot be used: {0}")]
    MasterKey(#[from] BadMasterKey),
    #[error("{0}: what should be the heads' file cannot be read")]
    Heads(io::Error),
    #[error("security events are not as they were recorded")]
    Tampered,
    #[error("{0}: nothing was removed")]
    Archive(#[from] ArchiveError),
    #[error("that month has not ended: archive whole months")]
    MonthNotOver,
    #[error("the OpenAPI document cannot be written: {0}")]
    Openapi(#[from] serde_json::Error),
}

impl Failure {
    /// Which it is, for the event that it leaves.
    fn reason(&self) -> &'static str {
        match self {
            Self::Configuration(_) | Self::Environment(_) => "settings",
            Self::Embedded(_) => "development_database",
            Self::Start(_) => "start",
            Self::Tls(_) => "tls",
            Self::Migrate(_) | Self::NotMigrated => "schema",
            Self::Database(_) => "database",
            Self::Role(_) => "database_role",
            Self::Demo(_) => "demo_data",
            _ => "other",
        }
    }
}

/// `serve`
///
/// # Errors
/// See [`Failure`].
pub async fn serve(settings: Arc<Settings>) -> Result<(), Failure> {
    let traces = match &settings.traces {
        TraceSettings { collector: Some(collector), authority } => Some(Traces::new(collector, authority.as_deref())?),
        TraceSettings { collector: None, .. } => None,
    };
    telemetry::start(&settings.log.filter, settings.log.format == LogFormat::Json, traces.as_ref())
        .map_err(|error| Failure::Log(error.to_string()))?;
    // There may be no database to keep it in: this one is a line of the log alone.
    let fault = |failure: &Failure| Event::new(EventKind::SysConfigFault).reason(failure.reason()).record();
    let ended = run(settings, traces.as_ref()).await.inspect_err(fault);
    if let Some(traces) = traces {
        traces.stop().await;
    }
    ended
}

/// The configuration does not hold, so nothing has started: the log has not, either.
pub fn refused_by_configuration() {
    if telemetry::start("info", true, None).is_ok() {
        Event::new(EventKind::SysConfigFault).reason("settings").record();
    }
}

async fn run(settings: Arc<Settings>, traces: Option<&Traces>) -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let certificate = certificate(&settings)?;
    let (database, embedded) = database(&settings).await?;
    let mut running = server::start(settings.clone(), database, certificate, Clock::default())?;
    if let Some(traces) = traces {
        meters::register_traces(&running.services.metrics, &traces.delivered());
    }
    check_database(&settings, &running).await?;
    if let Some(passwords) = &settings.secrets.demo_passwords {
        // Of a database that is somebody else's the service does not become the owner, not even for a moment.
        let mut owner = match &embedded {
            Some(server) => Some(server.options(Role::Owner, DATABASE).connect().await?),
            None => None,
        };
        let doors = running.services.doors();
        let demo = demo::make(&doors, owner.as_mut(), passwords).await.map_err(Failure::Demo)?;
        welcome(&settings, &running, embedded.as_ref(), demo.as_ref());
    }
    let ended = tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        ended = running.ended() => ended,
    };
    tracing::info!("stopping: clients leave, then running requests finish; a second signal ends at once");
    tokio::select! {
        () = running.stop() => {}
        _ = interrupt.recv() => tracing::warn!("ended by a second signal"),
        _ = terminate.recv() => tracing::warn!("ended by a second signal"),
    }
    if let Some(embedded) = embedded {
        embedded.stop().await?;
    }
    Ok(ended?)
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

/// How the service connects. Development's own database is started and migrated; any other is taken as it is.
async fn database(settings: &Settings) -> Result<(PgConnectOptions, Option<DevServer>), Failure> {
    if let Some(url) = &settings.database.url {
        return Ok((url.clone(), None));
    }
    let server = DevServer::start(&embedded_config(&settings.database, &settings.state_dir)).await?;
    migrate::run(&server.options(Role::Owner, DATABASE)).await?;
    Ok((server.options(Role::App, DATABASE), Some(server)))
}

fn embedded_config(database: &DatabaseSettings, state_dir: &std::path::Path) -> DevServerConfig {
    DevServerConfig {
        state_dir: state_dir.to_owned(),
        pg_bin: database.pg_bin.clone(),
        path: database.path.clone(),
        home: database.home.clone(),
    }
}

/// Production does not begin on a schema or a role that would let it down later.
async fn check_database(settings: &Settings, running: &Running) -> Result<(), Failure> {
    let pool = &running.services.pool;
    if settings.profile == Profile::Production {
        let faults = role_faults(&mut *pool.acquire().await?).await?;
        if !faults.is_empty() {
            return Err(Failure::Role(faults));
        }
    }
    if migrate::is_current(pool).await? { Ok(()) } else { Err(Failure::NotMigrated) }
}

#[allow(clippy::disallowed_macros, reason = "the first thing that a new user reads")]
fn welcome(settings: &Settings, running: &Running, embedded: Option<&DevServer>, demo: Option<&Demo>) {
    let base = format!("http://{}", running.http);
    println!("\nStrongroom is ready, in development: it listens on this machine only.\n");
    let page = if settings.http.docs { "docs" } else { "api/v1/openapi.json" };
    println!("  open        {base}/{page}");
    if let Some(https) = running.https {
        println!("  over TLS    https://{https} (trust {})", settings.state_dir.join("tls/ca.pem").display());
    }
    println!("  metrics     http://{}/metrics", running.management);
    if let Some(embedded) = embedded {
        println!("  database    {}", embedded.data_dir().display());
    }
    println!("  all else    {} (`cargo run -- dev reset` removes it all)", settings.state_dir.display());
    match demo {
        Some(demo) => println!("\n{}", demo.lines(&base)),
        None => println!("\nThe demo users have other passwords now, or are locked for a while."),
    }
    println!("\nStop with Ctrl-C.\n");
}

/// As the schema's owner. Development's own database is started for as long as the command takes.
pub(super) async fn owner_options(settings: &OwnerSettings) -> Result<(PgConnectOptions, Option<DevServer>), Failure> {
    if let Some(url) = &settings.database.owner_url {
        return Ok((url.clone(), None));
    }
    let server = DevServer::start(&embedded_config(&settings.database, &settings.state_dir)).await?;
    Ok((server.options(Role::Owner, DATABASE), Some(server)))
}

pub(super) async fn end(embedded: Option<DevServer>) -> Result<(), Failure> {
    match embedded {
        Some(embedded) => Ok(embedded.stop().await?),
        None => Ok(()),
    }
}

/// `migrate`
///
/// # Errors
/// See [`Failure`].
#[allow(clippy::disallowed_macros, reason = "a command line prints")]
pub async fn migrate(settings: &OwnerSettings) -> Result<(), Failure> {
    let (owner, embedded) = owner_options(settings).await?;
    migrate::run(&owner).await?;
    println!("The schema is up to date.");
    end(embedded).await
}

/// `dev reset`
///
/// # Errors
/// See [`Failure`].
#[allow(clippy::disallowed_macros, reason = "a command line prints")]
pub async fn reset(settings: &OwnerSettings) -> Result<(), Failure> {
    let removed: Vec<PathBuf> = embedded::dev::reset(&embedded_config(&settings.database, &settings.state_dir)).await?;
    for folder in removed {
        println!("removed {}", folder.display());
    }
    Ok(())
}
