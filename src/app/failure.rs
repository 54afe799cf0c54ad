//! Why a command ends: one sentence each, which says what is wrong and what to do next.

use std::io;
use std::net::SocketAddr;

use sqlx::migrate::MigrateError;

use super::start_error::StartError;
use super::tls::TlsError;
use crate::base::email::{BadEmail, EmailAddress};
use crate::base::person::Misfit;
use crate::config::{BadEnvironment, Faults};
use crate::db::embedded::EmbeddedError;
use crate::db::service_role::RoleFault;
use crate::http::error::ApiError;
use crate::security::audit::archive::ArchiveError;
use crate::security::authentication::passwords::{PasswordRefusal, PasswordSetupError};
use crate::security::crypto::keys::BadMasterKey;
use crate::telemetry::traces::BadTraces;

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
    #[error("{}", migration_sentence(.0))]
    Migrate(MigrateError),
    #[error(
        "the development database does not fit this build ({0}): remove it and its data with `cargo run -- dev reset`, or return to the build that made it"
    )]
    DevelopmentSchema(MigrateError),
    #[error("{}", database_sentence(.0))]
    Database(#[from] sqlx::Error),
    #[error(
        "the database server does not answer within {0} seconds: start it, or correct the host and port in its URL"
    )]
    DatabaseSilent(u64),
    #[error(
        "production does not start with this database role; connect as strongroom_app, and let a superuser take away what it has too much:{}",
        .0.iter().map(|fault| format!("\n  {fault}")).collect::<String>()
    )]
    Role(Vec<RoleFault>),
    #[error("the service at {address} is not ready: {cause}")]
    NotReady { address: SocketAddr, cause: String },
    #[error("the schema is not up to date: run `strongroom migrate` first")]
    NotMigrated,
    #[error("the log cannot be started: {0}")]
    Log(String),
    #[error("the demo data cannot be made: {0}")]
    Demo(ApiError),
    #[error("--email {0}")]
    Email(#[from] BadEmail),
    #[error("--name {0}")]
    Name(#[from] Misfit),
    #[error("the password {0}")]
    Password(PasswordRefusal),
    #[error("the password cannot be hashed: {0}")]
    Hashing(ApiError),
    #[error(transparent)]
    PasswordSetup(#[from] PasswordSetupError),
    #[error(transparent)]
    Traces(#[from] BadTraces),
    #[error("no user has the address {0}: the user registers and confirms first")]
    NoSuchUser(EmailAddress),
    #[error("a user with the address {0} exists already: use `strongroom admin promote`")]
    UserExists(EmailAddress),
    #[error("the password cannot be read from standard input ({0}): pipe one line of UTF-8 text in")]
    PasswordInput(io::Error),
    #[error("the output cannot be written ({0}): send it to a place that takes it")]
    Output(io::Error),
    #[error("the service was ended by the operating system ({0}): see its log")]
    Server(io::Error),
    #[error("the event of this act cannot be kept: {0}")]
    Audit(ApiError),
    #[error("the master key cannot be used: {0}")]
    MasterKey(#[from] BadMasterKey),
    #[error("the file of --heads cannot be read ({0}): name a file of lines of the log")]
    Heads(io::Error),
    #[error("the folder of --archive cannot be read ({0}): name one that `audit archive` has written")]
    ArchiveFolder(io::Error),
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
    /// Names the failure in the event that it leaves.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Configuration(_) | Self::Environment(_) => "settings",
            Self::Embedded(_) => "development_database",
            Self::Start(_) => "start",
            Self::Tls(_) => "tls",
            Self::Migrate(_) | Self::DevelopmentSchema(_) | Self::NotMigrated => "schema",
            Self::Database(_) | Self::DatabaseSilent(_) => "database",
            Self::Role(_) => "database_role",
            Self::Demo(_) => "demo_data",
            _ => "other",
        }
    }

    /// A failed migration. `development`: of the database that development made for itself, which may be removed.
    pub(super) fn of_migration(error: MigrateError, development: bool) -> Self {
        match error {
            MigrateError::Execute(error) => Self::Database(error),
            error if development => Self::DevelopmentSchema(error),
            error => Self::Migrate(error),
        }
    }
}

fn migration_sentence(error: &MigrateError) -> String {
    match error {
        MigrateError::ExecuteMigration(cause, version) => format!(
            "migration {version} failed and nothing of it is kept ({cause}): correct what it names, then run `strongroom migrate` again"
        ),
        MigrateError::VersionMismatch(version) => format!(
            "migration {version} was applied with other contents than this build has: use the build that applied it, or restore the database from a copy"
        ),
        MigrateError::VersionMissing(version) => format!(
            "the database has migration {version}, which this build does not know: use the newer build that applied it"
        ),
        other => format!("the schema cannot be brought up to date: {other}"),
    }
}

/// Tells apart what an operator must correct in different places. The server's own message names the role or the database, never a
/// password.
fn database_sentence(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(cause) => {
            format!("no database server answers ({cause}): start it, or correct the host and port in its URL")
        }
        sqlx::Error::Tls(cause) => {
            format!("there is no TLS to the database server ({cause}): correct sslmode and sslrootcert in its URL")
        }
        sqlx::Error::Database(refusal) => {
            let (code, said) = (refusal.code().unwrap_or_default(), refusal.message());
            match code.as_ref() {
                "28P01" => {
                    format!("the database refuses the password ({said}): correct the role and the password in its URL")
                }
                "28000" => format!(
                    "the database does not let the role sign in ({said}): create it as deploy/postgres/roles.sh does, or allow it in pg_hba.conf"
                ),
                "3D000" => format!(
                    "there is no such database ({said}): create it as deploy/postgres/roles.sh does, or correct its name in its URL"
                ),
                "42501" => format!(
                    "the database role lacks a privilege ({said}): `serve` connects as strongroom_app, every other command as strongroom_owner"
                ),
                // A table, column or function that a migration makes.
                "42P01" | "42703" | "42883" => Failure::NotMigrated.to_string(),
                "53300" => format!("the database has no connection left ({said}): end some, or raise max_connections"),
                "57P03" => format!("the database is not ready ({said}): try again in a moment"),
                _ => format!("the database refuses ({said}, SQLSTATE {code}): see its log"),
            }
        }
        other => format!("the database cannot be used: {other}"),
    }
}
