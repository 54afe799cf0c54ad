//! Floor 1: the configuration, typed, one file a section; the only reader of the environment.
//!
//! Two profiles and no third. Development binds to loopback only and can therefore be the default. Production (staging is
//! production) starts only when everything holds, and otherwise lists *all* faults at once. There is no switch that weakens
//! a rule: what would be one is a fault.

mod alerts;
mod catalog;
mod cors;
mod database;
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

pub use alerts::{AlertSettings, WebhookUrl};
pub use catalog::{SETTINGS, Setting};
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
pub use passwords::PasswordSettings;
pub use rules::RuleSettings;
pub use secrets::SecretSettings;
pub use sessions::SessionSettings;
pub use tls::TlsSettings;
pub use traces::TraceSettings;

use reader::Reader;
use secrecy::{ExposeSecret, SecretSlice};

/// Where the service runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// On loopback, with its own database, keys, certificate and demo data. It can be the default because nobody else can reach it.
    #[default]
    Development,
    /// Everywhere else.
    Production,
}

/// Everything that can be set, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    pub profile: Profile,
    /// What events call this process, among others on the same database.
    pub replica: String,
    /// Development's own folder: database, keys, certificate, mail, documents.
    pub state_dir: PathBuf,
    pub http: HttpSettings,
    pub tls: TlsSettings,
    pub database: DatabaseSettings,
    pub secrets: SecretSettings,
    pub jwt: JwtSettings,
    pub sessions: SessionSettings,
    pub passwords: PasswordSettings,
    pub cors: CorsSettings,
    pub mail: MailSettings,
    pub alerts: AlertSettings,
    pub documents: DocumentSettings,
    pub limits: LimitSettings,
    pub login: LoginSettings,
    pub rules: RuleSettings,
    pub log: LogSettings,
    pub management: ManagementSettings,
    pub traces: TraceSettings,
}

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// All faults at once, each with the setting's name and what to do.
    pub fn load(environment: &Environment) -> Result<Self, Faults> {
        let mut reader = Reader::new(environment);
        let profile = profile(&mut reader);
        let replica = replica(&mut reader);
        let state_dir = state_dir(&mut reader);
        let keeps_secrets = (profile == Profile::Development).then_some(state_dir.as_path());
        let http = HttpSettings::read(&mut reader, profile);
        let tls = TlsSettings::read(&mut reader, profile, http.tls_terminated_by_proxy);
        let settings = Self {
            database: DatabaseSettings::read(&mut reader, profile),
            secrets: SecretSettings::read(&mut reader, keeps_secrets),
            jwt: JwtSettings::read(&mut reader, keeps_secrets, &http.public_url),
            sessions: SessionSettings::read(&mut reader),
            passwords: PasswordSettings::read(&mut reader),
            cors: CorsSettings::read(&mut reader, profile, &http, &tls),
            mail: MailSettings::read(&mut reader, profile),
            alerts: AlertSettings::read(&mut reader, profile),
            documents: DocumentSettings::read(&mut reader, profile, &state_dir),
            limits: LimitSettings::read(&mut reader),
            login: LoginSettings::read(&mut reader, profile),
            rules: RuleSettings::read(&mut reader),
            log: LogSettings::read(&mut reader, profile),
            management: ManagementSettings::read(&mut reader, profile, &tls),
            traces: TraceSettings::read(&mut reader),
            profile,
            replica,
            state_dir: state_dir.clone(),
            http,
            tls,
        };
        let master = settings.secrets.master_key.expose_secret();
        // One leaked key must not be two.
        if !master.is_empty() && master == settings.jwt.key.expose_secret().as_bytes() {
            reader.fault_together(
                "STRONGROOM_JWT_KEY",
                "is the same as STRONGROOM_SECRETS_MASTER_KEY: make one of its own",
            );
        }
        let management = settings.management.token.as_ref().map(ExposeSecret::expose_secret);
        let others = [settings.jwt.key.expose_secret(), std::str::from_utf8(master).unwrap_or_default()];
        if management.is_some_and(|token| others.contains(&token)) {
            reader.fault_together(
                "STRONGROOM_MANAGEMENT_TOKEN",
                "is the same as another secret: a scraper would hold it too, make one of its own",
            );
        }
        reader.finish().map(|()| settings)
    }
}

/// What `migrate` and `dev` need, and no more: they must not ask for the service's secrets.
#[derive(Clone, Debug)]
pub struct OwnerSettings {
    pub profile: Profile,
    pub replica: String,
    pub state_dir: PathBuf,
    /// Its `owner_url` is the way in; `None`: development's own database.
    pub database: DatabaseSettings,
    pub passwords: PasswordSettings,
}

impl OwnerSettings {
    /// Reads and checks this part alone.
    ///
    /// # Errors
    /// All faults at once.
    pub fn load(environment: &Environment) -> Result<Self, Faults> {
        let mut reader = Reader::new(environment);
        let settings = Self::read(&mut reader);
        reader.finish().map(|()| settings)
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        let profile = profile(reader);
        Self {
            profile,
            replica: replica(reader),
            database: DatabaseSettings::read_for_owner(reader, profile),
            passwords: PasswordSettings::read(reader),
            state_dir: state_dir(reader),
        }
    }
}

/// What `admin` and `audit` need beside that: they write and check events, which have a MAC.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    pub owner: OwnerSettings,
    pub master_key: SecretSlice<u8>,
}

impl AuditSettings {
    /// Reads and checks this part alone.
    ///
    /// # Errors
    /// All faults at once.
    pub fn load(environment: &Environment) -> Result<Self, Faults> {
        let mut reader = Reader::new(environment);
        let owner = OwnerSettings::read(&mut reader);
        let keeps_secrets = (owner.profile == Profile::Development).then_some(owner.state_dir.as_path());
        let master_key = SecretSettings::master_key(&mut reader, keeps_secrets);
        reader.finish().map(|()| Self { owner, master_key })
    }
}

/// Development's own folder, as an absolute path: it stays the same wherever the process goes.
fn state_dir(reader: &mut Reader<'_>) -> PathBuf {
    let given = PathBuf::from(reader.text("STRONGROOM_DEV_STATE_DIR"));
    std::path::absolute(&given).unwrap_or(given)
}

/// The setting, or the host name as containers are told it.
fn replica(reader: &mut Reader<'_>) -> String {
    let is_name = |name: &str| {
        (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
    };
    let name = reader.given("STRONGROOM_REPLICA");
    if name.as_deref().is_some_and(|name| !is_name(name)) {
        reader.fault("STRONGROOM_REPLICA", "is not 1 to 64 letters, digits, dots, hyphens and underscores");
    }
    let host = || reader.of_system("HOSTNAME").and_then(|name| name.to_str()).map(str::to_owned);
    name.or_else(host).filter(|name| is_name(name)).unwrap_or_else(|| "strongroom".to_owned())
}

fn profile(reader: &mut Reader<'_>) -> Profile {
    match reader.text("STRONGROOM_PROFILE").as_str() {
        "development" => Profile::Development,
        "production" => Profile::Production,
        _ => {
            reader.fault("STRONGROOM_PROFILE", "is neither development nor production (staging is production)");
            Profile::Production
        }
    }
}
