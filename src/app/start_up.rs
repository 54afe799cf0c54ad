//! What each command of the command line does.

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::signal::unix::{SignalKind, signal};

use super::server::{self, Running, StartError};
use super::tls::{self, Certificate, TlsError};
use crate::base::clock::Clock;
use crate::base::email::{BadEmail, EmailAddress};
use crate::base::person::{DisplayName, Misfit};
use crate::config::{BadEnvironment, DatabaseSettings, Faults, LogFormat, OwnerSettings, Profile, Settings};
use crate::db::embedded::{self, DATABASE, DevServer, DevServerConfig, EmbeddedError, Role};
use crate::db::migrate;
use crate::features::demo::{self, Demo};
use crate::features::users::store as users;
use crate::http::error::ApiError;
use crate::security::passwords::{HashError, PasswordRefusal, PasswordSetupError, Passwords};
use crate::telemetry;

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
    #[error("{0}: production starts only as a role that row-level security holds for")]
    Role(String),
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
    #[error(transparent)]
    Hashing(#[from] HashError),
    #[error(transparent)]
    PasswordSetup(#[from] PasswordSetupError),
    #[error("nobody has the address {0}: the user registers and confirms first")]
    NoSuchUser(EmailAddress),
    #[error("somebody has the address {0} already: use `strongroom admin promote`")]
    UserExists(EmailAddress),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the OpenAPI document cannot be written: {0}")]
    Openapi(#[from] serde_json::Error),
}

/// `serve`
///
/// # Errors
/// See [`Failure`].
pub async fn serve(settings: Arc<Settings>) -> Result<(), Failure> {
    telemetry::start(&settings.log.filter, settings.log.format == LogFormat::Json)
        .map_err(|error| Failure::Log(error.to_string()))?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let certificate = certificate(&settings)?;
    let (database, embedded) = database(&settings).await?;
    let mut running = server::start(settings.clone(), database, certificate, Clock::default())?;
    check_database(&settings, &running).await?;
    if let Some(passwords) = &settings.secrets.demo_passwords {
        let demo = demo::make(&running.services.doors(), passwords).await.map_err(Failure::Demo)?;
        welcome(&settings, &running, embedded.as_ref(), demo.as_ref());
    }
    let ended = tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        ended = running.ended() => ended,
    };
    tracing::info!("stopping: running requests finish first");
    running.stop().await;
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
    if settings.profile == Profile::Production
        && let Some(fault) = migrate::role_faults(pool).await?.into_iter().next()
    {
        return Err(Failure::Role(fault));
    }
    if migrate::is_current(pool).await? { Ok(()) } else { Err(Failure::NotMigrated) }
}

#[allow(clippy::disallowed_macros, reason = "the first thing that a new user reads")]
fn welcome(settings: &Settings, running: &Running, embedded: Option<&DevServer>, demo: Option<&Demo>) {
    let base = format!("http://{}", running.http);
    println!("\nStrongroom is ready, in development: it listens on this machine only.\n");
    println!("  open        {base}/health/ready, {base}/api/v1/openapi.json");
    if let Some(https) = running.https {
        println!("  over TLS    https://{https} (trust {})", settings.state_dir.join("tls/ca.pem").display());
    }
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
async fn owner_options(settings: &OwnerSettings) -> Result<(PgConnectOptions, Option<DevServer>), Failure> {
    if let Some(url) = &settings.database.owner_url {
        return Ok((url.clone(), None));
    }
    let server = DevServer::start(&embedded_config(&settings.database, &settings.state_dir)).await?;
    Ok((server.options(Role::Owner, DATABASE), Some(server)))
}

async fn end(embedded: Option<DevServer>) -> Result<(), Failure> {
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

/// `admin create`: the password comes by standard input, so that no list of processes and no history holds it.
///
/// # Errors
/// See [`Failure`].
#[allow(clippy::disallowed_macros, reason = "a command line prints")]
pub async fn create_admin(settings: &OwnerSettings, email: &str, name: &str) -> Result<(), Failure> {
    let email: EmailAddress = email.parse()?;
    let name: DisplayName = name.parse()?;
    if io::stdin().is_terminal() {
        eprintln!("The password, then Enter (it is shown: better pipe it in):");
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let password = SecretString::from(line.trim_end_matches(['\r', '\n']).to_owned());
    let passwords = Passwords::new(&settings.passwords)?;
    passwords.check(&password, &[email.local_part(), name.as_str()]).map_err(Failure::Password)?;
    let hash = passwords.hash(&password).await?;
    let (owner, embedded) = owner_options(settings).await?;
    let mut connection = owner.connect().await?;
    let created = users::create_admin(&mut connection, &email, &name, &hash, Clock::default().now()).await?;
    connection.close().await?;
    end(embedded).await?;
    if created.is_none() {
        return Err(Failure::UserExists(email));
    }
    println!("{email} is an administrator.");
    Ok(())
}

/// `admin promote`
///
/// # Errors
/// See [`Failure`].
#[allow(clippy::disallowed_macros, reason = "a command line prints")]
pub async fn promote(settings: &OwnerSettings, email: &str) -> Result<(), Failure> {
    let email: EmailAddress = email.parse()?;
    let (owner, embedded) = owner_options(settings).await?;
    let mut connection = owner.connect().await?;
    let promoted = users::promote(&mut connection, &email, Clock::default().now()).await?;
    connection.close().await?;
    end(embedded).await?;
    if !promoted {
        return Err(Failure::NoSuchUser(email));
    }
    println!("{email} is an administrator.");
    Ok(())
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
