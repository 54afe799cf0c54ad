//! `DATABASE_URL`, `STRONGROOM_DATABASE_…`: PostgreSQL, over TLS that checks the server's name, unless it is on this machine.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::Profile;
use super::environment::Reader;

/// How the database is reached and how long it may take.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// As the service's role. `None`: development's own database.
    pub url: Option<PgConnectOptions>,
    /// As the schema's owner, for `migrate` and `admin` alone.
    pub owner_url: Option<PgConnectOptions>,
    pub max_connections: u32,
    pub acquire_timeout: Duration,
    pub statement_timeout: Duration,
    /// For development's own database.
    pub pg_bin: Option<PathBuf>,
    pub path: Option<OsString>,
    pub home: Option<PathBuf>,
}

impl DatabaseSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let url = url(reader, "DATABASE_URL", profile);
        if url.is_none() && profile == Profile::Production && !reader.has_secret("DATABASE_URL") {
            reader.fault("DATABASE_URL", "is missing");
        }
        Self { url, ..Self::with_owner_url(reader, profile) }
    }

    /// For commands that work as the schema's owner. Development's own database is the owner's too.
    pub(super) fn read_for_owner(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let settings = Self::with_owner_url(reader, profile);
        let missing = !reader.has_secret("STRONGROOM_DATABASE_OWNER_URL");
        if missing && (profile == Profile::Production || reader.has_secret("DATABASE_URL")) {
            reader
                .fault("STRONGROOM_DATABASE_OWNER_URL", "is missing: this command works as the role strongroom_owner");
        }
        settings
    }

    fn with_owner_url(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let seconds = |reader: &mut Reader<'_>, name| Duration::from_secs(reader.number(name, 1, 15));
        Self {
            url: None,
            owner_url: url(reader, "STRONGROOM_DATABASE_OWNER_URL", profile),
            max_connections: u32::try_from(reader.number("STRONGROOM_DATABASE_MAX_CONNECTIONS", 4, 1000)).unwrap_or(16),
            acquire_timeout: seconds(reader, "STRONGROOM_DATABASE_ACQUIRE_SECONDS"),
            statement_timeout: seconds(reader, "STRONGROOM_DATABASE_STATEMENT_SECONDS"),
            pg_bin: reader.given("PG_BIN").map(PathBuf::from),
            path: reader.raw("PATH").map(OsString::from),
            home: reader.raw("HOME").map(PathBuf::from),
        }
    }
}

fn url(reader: &mut Reader<'_>, name: &str, profile: Profile) -> Option<PgConnectOptions> {
    let url: SecretString = reader.secret(name)?;
    let Ok(options) = url.expose_secret().parse::<PgConnectOptions>() else {
        reader.fault(name, "is not a PostgreSQL URL (postgres://user:password@host/database?sslmode=verify-full)");
        return None;
    };
    if profile == Profile::Production && !is_here(&options) && !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull)
    {
        let problem = "needs sslmode=verify-full: every weaker mode accepts an impostor, or plain text (a unix socket and loopback may do without)";
        reader.fault(name, problem);
    }
    Some(options)
}

/// A socket of this machine, or its loopback. `localhost.evil.example` is neither.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
