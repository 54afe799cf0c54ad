//! Floor 1: the configuration, typed, one file a section; the only reader of the environment.
//!
//! Two profiles and no third. Development binds to loopback only and can therefore be the default. Production (staging is
//! production) starts only when everything holds, and otherwise lists *all* faults at once. There is no switch that weakens
//! a rule: what would be one is a fault.

mod catalog;
mod cors;
mod database;
mod development;
mod environment;
mod faults;
mod http;
mod jwt;
mod limits;
mod log;
mod login;
mod mail;
mod origin;
mod passwords;
mod reader;
mod secrets;
mod sessions;
mod strength;
mod tls;

use std::path::PathBuf;

pub use catalog::{SETTINGS, Setting};
pub use cors::CorsSettings;
pub use database::DatabaseSettings;
pub use environment::{BadEnvironment, Environment};
pub use faults::{Fault, Faults};
pub use http::{BadNetwork, HttpSettings, Network};
pub use jwt::{JwtAlgorithm, JwtSettings};
pub use limits::{BadRate, LimitSettings, Rate};
pub use log::{LogFormat, LogSettings};
pub use login::LoginSettings;
pub use mail::MailSettings;
pub use passwords::PasswordSettings;
pub use secrets::SecretSettings;
pub use sessions::SessionSettings;
pub use tls::TlsSettings;

use reader::Reader;
use secrecy::ExposeSecret;

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
    /// Development's own folder: database, keys, certificate, mail.
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
    pub limits: LimitSettings,
    pub login: LoginSettings,
    pub log: LogSettings,
}

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// All faults at once, each with the setting's name and what to do.
    pub fn load(environment: &Environment) -> Result<Self, Faults> {
        let mut reader = Reader::new(environment);
        let profile = profile(&mut reader);
        let state_dir = state_dir(&mut reader);
        let keeps_secrets = (profile == Profile::Development).then_some(state_dir.as_path());
        let http = HttpSettings::read(&mut reader, profile);
        let settings = Self {
            tls: TlsSettings::read(&mut reader, profile, http.tls_terminated_by_proxy),
            database: DatabaseSettings::read(&mut reader, profile),
            secrets: SecretSettings::read(&mut reader, keeps_secrets),
            jwt: JwtSettings::read(&mut reader, keeps_secrets, &http.public_url),
            sessions: SessionSettings::read(&mut reader),
            passwords: PasswordSettings::read(&mut reader),
            cors: CorsSettings::read(&mut reader, profile, &http.public_url),
            mail: MailSettings::read(&mut reader, profile),
            limits: LimitSettings::read(&mut reader),
            login: LoginSettings::read(&mut reader, profile),
            log: LogSettings::read(&mut reader, profile),
            profile,
            state_dir: state_dir.clone(),
            http,
        };
        let master = settings.secrets.master_key.expose_secret();
        // One leaked key must not be two.
        if !master.is_empty() && master == settings.jwt.key.expose_secret().as_bytes() {
            reader.fault_together(
                "STRONGROOM_JWT_KEY",
                "is the same as STRONGROOM_SECRETS_MASTER_KEY: make one of its own",
            );
        }
        reader.finish().map(|()| settings)
    }
}

/// What `migrate`, `admin` and `dev` need, and no more: they must not ask for the service's secrets.
#[derive(Clone, Debug)]
pub struct OwnerSettings {
    pub profile: Profile,
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
        let profile = profile(&mut reader);
        let database = DatabaseSettings::read_for_owner(&mut reader, profile);
        let passwords = PasswordSettings::read(&mut reader);
        let state_dir = state_dir(&mut reader);
        reader.finish().map(|()| Self { profile, state_dir, database, passwords })
    }
}

/// Development's own folder, as an absolute path: it stays the same wherever the process goes.
fn state_dir(reader: &mut Reader<'_>) -> PathBuf {
    let given = PathBuf::from(reader.text("STRONGROOM_DEV_STATE_DIR"));
    std::path::absolute(&given).unwrap_or(given)
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
