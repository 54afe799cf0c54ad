//! `DATABASE_URL`, `STRONGROOM_DATABASE_…`: the connection to PostgreSQL.
//! If the server is on another machine, the URL must contain `sslmode=verify-full`.
//!
//! The weaker modes are not secure: `prefer` (sqlx's default) allows plain text, and `require` accepts any server.
//! In the URL, `?host=`, `hostaddr=` and a second `sslmode=` override earlier parts.
//! So this module checks the options that sqlx has parsed.

#[cfg(feature = "dev")]
use std::ffi::OsString;
use std::fmt;
#[cfg(feature = "dev")]
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::Profile;
use super::origin::is_loopback;
use super::reader::Reader;
use super::strength::is_sample_password;

#[derive(Clone)]
pub struct DatabaseSettings {
    /// The URL for the service's role. Without it, the service starts the development database.
    pub url: Option<PgConnectOptions>,
    /// The URL of the connection that receives notifications. Without it, this connection uses `url`.
    pub listen_url: Option<PgConnectOptions>,
    /// The URL for the schema's owner. Only the commands `migrate`, `admin` and `audit` use it.
    pub owner_url: Option<PgConnectOptions>,
    pub max_connections: u32,
    /// How long a request may wait for a connection, before it is refused with 503.
    pub acquire_timeout: Duration,
    /// How long a statement may run before PostgreSQL cancels it.
    pub statement_timeout: Duration,
    /// `pg_bin`, `path` and `home` are the variables `PG_BIN`, `PATH` and `HOME`.
    /// The development server needs them to find the programs of PostgreSQL.
    #[cfg(feature = "dev")]
    pub pg_bin: Option<PathBuf>,
    #[cfg(feature = "dev")]
    pub path: Option<OsString>,
    #[cfg(feature = "dev")]
    pub home: Option<PathBuf>,
}

/// Prints no URL, because the `Debug` output of sqlx contains the password.
impl fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseSettings")
            .field("url", &self.url.as_ref().map(|_| "[REDACTED]"))
            .field("listen_url", &self.listen_url.as_ref().map(|_| "[REDACTED]"))
            .field("owner_url", &self.owner_url.as_ref().map(|_| "[REDACTED]"))
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}

const URL: &str = "DATABASE_URL";
const LISTEN_URL: &str = "STRONGROOM_DATABASE_LISTEN_URL";
const OWNER_URL: &str = "STRONGROOM_DATABASE_OWNER_URL";

impl DatabaseSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile) -> Self {
        if profile == Profile::Production && !reader.has_secret(URL) {
            reader.fault(URL, "is missing: set the URL of the database for the role strongroom_app");
        }
        let url = url(reader, URL, profile);
        let listen_url = self::url(reader, LISTEN_URL, profile);
        let settings = Self { url, listen_url, ..Self::with_owner_url(reader, profile) };
        for (name, url) in [(URL, &settings.url), (LISTEN_URL, &settings.listen_url)] {
            let (Profile::Production, Some(url)) = (profile, url) else { continue };
            let role = url.get_username();
            // Row-level security and the grants of single columns limit neither the superuser nor the schema's owner.
            if role == "postgres" || settings.owner_url.as_ref().is_some_and(|owner| owner.get_username() == role) {
                let problem = "connects as the superuser or the schema's owner, who bypass row-level security: use strongroom_app";
                reader.fault(name, problem);
            }
        }
        settings
    }

    pub(super) fn read_for_owner(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let missing = !reader.has_secret(OWNER_URL);
        if missing && (profile == Profile::Production || reader.has_secret(URL)) {
            reader.fault(OWNER_URL, "is missing: this command connects as the role strongroom_owner");
        }
        Self::with_owner_url(reader, profile)
    }

    /// Reads the settings for the commands `dev …`, which need only the folders of PostgreSQL's programs.
    #[cfg(feature = "dev")]
    pub(super) fn read_programs(reader: &mut Reader<'_>) -> Self {
        Self::with_owner_url(reader, Profile::Development)
    }

    fn with_owner_url(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let seconds = |reader: &mut Reader<'_>, name| Duration::from_secs(reader.number(name, 1, 15));
        Self {
            url: None,
            listen_url: None,
            owner_url: url(reader, OWNER_URL, profile),
            max_connections: u32::try_from(reader.number("STRONGROOM_DATABASE_MAX_CONNECTIONS", 4, 1000)).unwrap_or(16),
            acquire_timeout: seconds(reader, "STRONGROOM_DATABASE_ACQUIRE_SECONDS"),
            statement_timeout: seconds(reader, "STRONGROOM_DATABASE_STATEMENT_SECONDS"),
            #[cfg(feature = "dev")]
            pg_bin: reader.optional("PG_BIN").map(PathBuf::from),
            #[cfg(feature = "dev")]
            path: reader.system("PATH").map(OsString::from),
            #[cfg(feature = "dev")]
            home: reader.system("HOME").map(PathBuf::from),
        }
    }
}

fn url(reader: &mut Reader<'_>, name: &str, profile: Profile) -> Option<PgConnectOptions> {
    let text: SecretString = reader.secret(name)?;
    let text = text.expose_secret();
    let parsed = Url::parse(text).ok().filter(|url| ["postgres", "postgresql"].contains(&url.scheme()));
    // sqlx ignores unknown parameters, so a misspelled `sslmod=verify-full` would have no effect.
    let unknown = |url: &Url| url.query_pairs().any(|(key, _)| !is_parameter(&key));
    if parsed.as_ref().is_some_and(unknown) {
        reader.fault(name, "has an unknown parameter: check its spelling");
        return None;
    }
    let (Some(parsed), Ok(options)) = (parsed, text.parse::<PgConnectOptions>()) else {
        let problem = "is not a PostgreSQL URL such as postgres://user:password@host/database?sslmode=verify-full";
        reader.fault(name, problem);
        return None;
    };
    if profile == Profile::Production {
        if !is_local(&options) && !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull) {
            let problem = "needs sslmode=verify-full: weaker modes accept any server or plain text (not required for a Unix socket or loopback)";
            reader.fault(name, problem);
        }
        if passwords(&parsed).iter().any(|password| is_sample_password(options.get_username(), password)) {
            reader.fault(name, "has a default password: openssl rand -hex 32 creates a better one");
        }
    }
    Some(options)
}

/// Returns whether the server is on the same machine (Unix socket or loopback address).
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some() || host.starts_with('/') || is_loopback(host)
}

/// Returns whether sqlx 0.9 reads this parameter of the URL.
fn is_parameter(key: &str) -> bool {
    let known = [
        "sslmode",
        "ssl-mode",
        "sslrootcert",
        "ssl-root-cert",
        "ssl-ca",
        "sslcert",
        "ssl-cert",
        "sslkey",
        "ssl-key",
        "statement-cache-capacity",
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "application_name",
        "options",
    ];
    known.contains(&key) || (key.starts_with("options[") && key.ends_with(']'))
}

fn passwords(url: &Url) -> Vec<String> {
    let in_query = url.query_pairs().filter(|(key, _)| key == "password").map(|(_, value)| value.into_owned());
    url.password().map(str::to_owned).into_iter().chain(in_query).collect()
}
