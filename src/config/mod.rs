//! Layer 1: the configuration, with one file per section. No other module reads environment variables.
//!
//! There are two profiles. In the profile `development`, the default, the service listens on loopback only.
//! The profile `production` is for all other environments, including staging.
//! An invalid configuration prevents the start, and all faults are printed at once.
//! No setting can switch off a security control (security misconfiguration, API8:2023).

mod alerts;
mod catalog;
mod commands;
mod cors;
mod database;
#[cfg(feature = "dev")]
mod development;
mod documents;
mod environment;
mod faults;
mod http;
mod jwt;
mod limits;
mod log;
mod login;
mod mail;
mod management;
mod origin;
pub mod passwords;
mod reader;
mod rules;
mod secrets;
mod sessions;
mod strength;
mod tls;
mod traces;

use std::path::PathBuf;

pub use alerts::{AlertSettings, OutboundUrl};
pub use catalog::{SETTINGS, Setting};
#[cfg(feature = "dev")]
pub use commands::DevelopmentSettings;
pub use commands::{AuditSettings, OwnerSettings, http_address};
pub use cors::CorsSettings;
pub use database::DatabaseSettings;
pub use documents::{BucketSettings, DocumentSettings};
pub use environment::{BadEnvironment, Environment};
pub use faults::{Fault, Faults};
pub use http::{BadNetwork, HttpSettings, Network};
pub use jwt::{JwtAlgorithm, JwtSettings};
pub use limits::{BadRate, LimitSettings, Rate};
pub use log::{LogFormat, LogSettings};
pub use login::LoginSettings;
pub use mail::MailSettings;
pub use management::ManagementSettings;
pub use passwords::{BreachSettings, PasswordSettings};
pub use rules::RuleSettings;
pub use secrets::{MasterKeys, SecretSettings};
pub use sessions::SessionSettings;
pub use tls::TlsSettings;
pub use traces::TraceSettings;

use reader::Reader;
use secrecy::{ExposeSecret, SecretString};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The default. The service creates its own database, keys, certificate and demo data.
    /// This is safe, because the service listens on loopback only.
    #[default]
    Development,
    /// All other environments, including staging.
    Production,
}

/// All settings of the command `serve`.
#[derive(Clone, Debug)]
pub struct Settings {
    pub profile: Profile,
    /// The name of this replica in security events.
    pub replica: String,
    /// The development folder. It contains the database, keys, certificate, mails and documents.
    #[cfg(feature = "dev")]
    pub state_dir: PathBuf,
    pub http: HttpSettings,
    pub tls: TlsSettings,
    pub database: DatabaseSettings,
    pub secrets: SecretSettings,
    pub jwt: JwtSettings,
    pub sessions: SessionSettings,
    pub passwords: PasswordSettings,
    /// The external service that checks new passwords against data breaches. `None` if no URL is configured.
    pub breaches: Option<BreachSettings>,
    pub cors: CorsSettings,
    pub mail: MailSettings,
    pub alerts: AlertSettings,
    pub documents: DocumentSettings,
    pub limits: LimitSettings,
    /// The maximum number of rows of one owner in each table (`security/limits/row_quotas`).
    pub row_quota: i64,
    pub login: LoginSettings,
    pub rules: RuleSettings,
    pub log: LogSettings,
    pub management: ManagementSettings,
    pub traces: TraceSettings,
}

impl Settings {
    /// Reads and validates all settings.
    ///
    /// # Errors
    /// [`Faults`] with all faults at once.
    pub fn load(environment: &Environment) -> Result<Self, Faults> {
        Self::read(Reader::new(environment))
    }

    /// Validates all settings, but creates no development secrets.
    ///
    /// # Errors
    /// The same [`Faults`] as [`Self::load`].
    pub fn check(environment: &Environment) -> Result<(), Faults> {
        Self::read(Reader::read_only(environment)).map(drop)
    }

    fn read(mut reader: Reader<'_>) -> Result<Self, Faults> {
        let profile = profile(&mut reader);
        let replica = replica(&mut reader);
        let development = development_folder(&mut reader, profile);
        let development = development.as_deref();
        let http = HttpSettings::read(&mut reader, profile);
        let tls = TlsSettings::read(&mut reader, profile, http.tls_terminated_by_proxy);
        let settings = Self {
            database: DatabaseSettings::read(&mut reader, profile),
            secrets: SecretSettings::read(&mut reader, development),
            jwt: JwtSettings::read(&mut reader, development, &http.public_url),
            sessions: SessionSettings::read(&mut reader),
            passwords: PasswordSettings::read(&mut reader),
            breaches: BreachSettings::read(&mut reader, profile),
            cors: CorsSettings::read(&mut reader, profile, &http, &tls),
            mail: MailSettings::read(&mut reader, profile),
            alerts: AlertSettings::read(&mut reader, profile),
            documents: DocumentSettings::read(&mut reader, profile, development),
            limits: LimitSettings::read(&mut reader),
            row_quota: row_quota(&mut reader),
            login: LoginSettings::read(&mut reader, profile),
            rules: RuleSettings::read(&mut reader),
            log: LogSettings::read(&mut reader, profile),
            management: ManagementSettings::read(&mut reader, profile, &tls),
            traces: TraceSettings::read(&mut reader),
            profile,
            replica,
            #[cfg(feature = "dev")]
            state_dir: state_dir(&mut reader),
            http,
            tls,
        };
        settings.refuse_equal_secrets(&mut reader);
        reader.finish().map(|()| settings)
    }

    /// Refuses equal secrets, because an attacker who learns one of them would know both.
    fn refuse_equal_secrets(&self, reader: &mut Reader<'_>) {
        let keys = &self.secrets.master_keys;
        // An empty value means that a secret is not set or already has a fault. The loop skips empty values.
        let secrets: [(&str, &[u8]); 5] = [
            ("STRONGROOM_SECRETS_MASTER_KEY", keys.current.expose_secret()),
            ("STRONGROOM_SECRETS_PREVIOUS_MASTER_KEY", keys.older.first().map_or(&[], ExposeSecret::expose_secret)),
            ("STRONGROOM_JWT_KEY", bytes(&self.jwt.key)),
            ("STRONGROOM_JWT_PREVIOUS_KEY", self.jwt.previous_key.as_ref().map_or(&[], bytes)),
            ("STRONGROOM_MANAGEMENT_TOKEN", self.management.token.as_ref().map_or(&[], bytes)),
        ];
        for (place, (name, secret)) in secrets.iter().enumerate().filter(|(_, (_, secret))| !secret.is_empty()) {
            if let Some((other, _)) = secrets.iter().take(place).find(|(_, other)| other == secret) {
                reader.combined_fault(name, format!("is the same as {other}: create a different secret"));
            }
        }
    }
}

fn bytes(secret: &SecretString) -> &[u8] {
    secret.expose_secret().as_bytes()
}

#[cfg(feature = "dev")]
fn state_dir(reader: &mut Reader<'_>) -> PathBuf {
    let given = PathBuf::from(reader.text("STRONGROOM_DEV_STATE_DIR"));
    std::path::absolute(&given).unwrap_or(given)
}

#[cfg(feature = "dev")]
fn development_folder(reader: &mut Reader<'_>, profile: Profile) -> Option<PathBuf> {
    (profile == Profile::Development).then(|| state_dir(reader))
}

/// A build without the cargo feature `dev` has no development profile.
#[cfg(not(feature = "dev"))]
fn development_folder(_: &mut Reader<'_>, _: Profile) -> Option<PathBuf> {
    None
}

/// Reads the row quota. The service counts the rows of an owner up to the quota.
/// To count more than ten million rows would exceed the statement timeout.
fn row_quota(reader: &mut Reader<'_>) -> i64 {
    i64::try_from(reader.number("STRONGROOM_QUOTAS_ROWS", 1, 10_000_000)).unwrap_or(1)
}

/// Returns `STRONGROOM_REPLICA`, or the host name, which container engines set in `HOSTNAME`.
fn replica(reader: &mut Reader<'_>) -> String {
    let is_name = |name: &str| {
        (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
    };
    let name = reader.optional("STRONGROOM_REPLICA");
    if name.as_deref().is_some_and(|name| !is_name(name)) {
        reader.fault("STRONGROOM_REPLICA", "is not 1 to 64 letters, digits, dots, hyphens and underscores");
    }
    let host = || reader.system("HOSTNAME").and_then(|name| name.to_str()).map(str::to_owned);
    name.or_else(host).filter(|name| is_name(name)).unwrap_or_else(|| "strongroom".to_owned())
}

fn profile(reader: &mut Reader<'_>) -> Profile {
    match reader.text("STRONGROOM_PROFILE").as_str() {
        #[cfg(feature = "dev")]
        "development" => Profile::Development,
        #[cfg(not(feature = "dev"))]
        "development" => {
            reader.fault("STRONGROOM_PROFILE", "is development, which this build does not have: set it to production");
            Profile::Production
        }
        "production" => Profile::Production,
        _ => {
            reader.fault("STRONGROOM_PROFILE", "is neither development nor production (staging is production)");
            Profile::Production
        }
    }
}
