//! Errors of commands. Each message says what is wrong and how to correct it.

use std::io;
use std::net::SocketAddr;

use sqlx::migrate::MigrateError;

use super::start_error::StartError;
use super::tls::TlsError;
use crate::base::email::{BadEmail, EmailAddress};
use crate::base::person::BadProfileText;
use crate::config::{BadEnvironment, Faults};
use crate::db::service_role::RoleFault;
#[cfg(feature = "dev")]
use crate::dev::{new_resource::Refused, postgres::EmbeddedError};
use crate::http::error::ApiError;
use crate::security::audit::archive::ArchiveError;
use crate::security::authentication::passwords::{PasswordRefusal, PasswordSetupError};
use crate::security::crypto::keys::MasterKeyError;
use crate::telemetry::traces::TraceSetupError;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Configuration(#[from] Faults),
    #[error(transparent)]
    Environment(#[from] BadEnvironment),
    #[cfg(feature = "dev")]
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    #[cfg(feature = "dev")]
    #[error(transparent)]
    NewResource(#[from] Refused),
    #[cfg(not(feature = "dev"))]
    #[error(
        "no database is configured: set DATABASE_URL, or STRONGROOM_DATABASE_OWNER_URL for other commands than `serve`"
    )]
    NoDatabase,
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{}", migration_sentence(.0))]
    Migrate(MigrateError),
    #[error(
        "the development database does not match this build ({0}): delete it with `cargo run -- dev reset`, or use the build that created it"
    )]
    DevelopmentSchema(MigrateError),
    #[error("{}", database_sentence(.0))]
    Database(#[from] sqlx::Error),
    #[error("the database server did not respond within {0} seconds: start it, or correct host and port in its URL")]
    DatabaseTimeout(u64),
    #[error(
        "the database role has too many privileges for production: connect as strongroom_app, and let a superuser revoke these:{}",
        .0.iter().map(|fault| format!("\n  {fault}")).collect::<String>()
    )]
    Role(Vec<RoleFault>),
    #[error("the service at {address} is not ready: {cause}")]
    NotReady { address: SocketAddr, cause: String },
    #[error("the database schema is not up to date: run `strongroom migrate` first")]
    NotMigrated,
    #[error(
        "the database drops the timeouts of a session, probably because of a connection pooler: set statement_timeout, \
         lock_timeout and idle_in_transaction_session_timeout for the role strongroom_app (docs/scaling.md)"
    )]
    NoTimeouts,
    #[error("failed to start the log: {0}")]
    Log(String),
    #[error("failed to create the demo data: {0}")]
    Demo(ApiError),
    #[error("--email {0}")]
    Email(#[from] BadEmail),
    #[error("--name {0}")]
    Name(#[from] BadProfileText),
    #[error("the password {0}")]
    Password(PasswordRefusal),
    #[error("failed to hash the password: {0}")]
    Hashing(ApiError),
    #[error(transparent)]
    PasswordSetup(#[from] PasswordSetupError),
    #[error(transparent)]
    Traces(#[from] TraceSetupError),
    #[error("there is no user with the address {0}: the user must register and confirm first")]
    NoSuchUser(EmailAddress),
    #[error("a user with the address {0} already exists: use `strongroom admin promote`")]
    UserExists(EmailAddress),
    #[error("failed to read the password from standard input ({0}): pipe in one line of UTF-8 text")]
    PasswordInput(io::Error),
    #[error("failed to write the output ({0}): check the disk or pipe")]
    Output(io::Error),
    #[error("the operating system stopped the service ({0}): see the system log")]
    Server(io::Error),
    #[error("failed to store the security event of this command: {0}")]
    Audit(ApiError),
    #[error("the master key cannot be used: {0}")]
    MasterKey(#[from] MasterKeyError),
    #[error("failed to read the file in --heads ({0}): use a file with log lines")]
    Heads(io::Error),
    #[error("failed to read the folder in --archive ({0}): use a folder that `audit archive` has written")]
    ArchiveFolder(io::Error),
    #[error("the audit trail was tampered with")]
    Tampered,
    #[error("nothing was deleted: {0}")]
    Archive(#[from] ArchiveError),
    #[error("that month has not ended: archive only complete months")]
    MonthNotOver,
    #[error("failed to create the OpenAPI document: {0}")]
    Openapi(#[from] serde_json::Error),
}

impl Failure {
    /// Returns the `reason` field of the security event that reports this failure.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Configuration(_) | Self::Environment(_) => "settings",
            #[cfg(feature = "dev")]
            Self::Embedded(_) => "development_database",
            Self::Start(_) => "start",
            Self::Tls(_) => "tls",
            Self::Migrate(_) | Self::DevelopmentSchema(_) | Self::NotMigrated => "schema",
            Self::Database(_) | Self::DatabaseTimeout(_) | Self::NoTimeouts => "database",
            Self::Role(_) => "database_role",
            Self::Demo(_) => "demo_data",
            _ => "other",
        }
    }

    /// Wraps an error of a migration. For a development database, the message advises to delete the database.
    pub(super) fn from_migration(error: MigrateError, development: bool) -> Self {
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
            "migration {version} failed and was rolled back ({cause}): fix this, then run `strongroom migrate` again"
        ),
        MigrateError::VersionMismatch(version) => format!(
            "migration {version} was applied with a different content: use the build that applied it, or restore the database from a backup"
        ),
        MigrateError::VersionMissing(version) => format!(
            "the database has migration {version}, which is unknown to this build: use the newer build that applied it"
        ),
        other => format!("failed to migrate the database: {other}"),
    }
}

/// Returns a message that says what to correct. It quotes the text of the database server, which contains no password.
fn database_sentence(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(cause) => {
            format!("the database server is not reachable ({cause}): start it, or correct host and port in its URL")
        }
        sqlx::Error::Tls(cause) => {
            format!("the TLS connection to the database failed ({cause}): correct sslmode and sslrootcert in its URL")
        }
        sqlx::Error::Database(refusal) => {
            let (code, message) = (refusal.code().unwrap_or_default(), refusal.message());
            match code.as_ref() {
                "28P01" => {
                    format!("the database rejected the password ({message}): correct role and password in its URL")
                }
                "28000" => format!(
                    "the database rejected the role ({message}): create it with deploy/postgres/roles.sh, or allow it in pg_hba.conf"
                ),
                "3D000" => format!(
                    "the database does not exist ({message}): create it with deploy/postgres/roles.sh, or correct its name in its URL"
                ),
                "42501" => format!(
                    "the database role lacks a privilege ({message}): `serve` connects as strongroom_app, other commands as strongroom_owner"
                ),
                // A table, column or function is missing, because a migration has not been applied.
                "42P01" | "42703" | "42883" => Failure::NotMigrated.to_string(),
                "53300" => {
                    format!("the database has no free connections ({message}): close some, or raise max_connections")
                }
                "57P03" => format!("the database is starting or stopping ({message}): try again soon"),
                _ => format!("the database reported an error ({message}, SQLSTATE {code}): see its log"),
            }
        }
        other => format!("failed to use the database: {other}"),
    }
}
