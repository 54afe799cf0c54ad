//! What the commands need, each only its part of the settings.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::database::DatabaseSettings;
use super::environment::Environment;
use super::faults::Faults;
use super::passwords::PasswordSettings;
use super::reader::Reader;
use super::secrets::MasterKeys;
use super::{Profile, http, profile, replica, state_dir};

/// What `dev` needs: where development keeps its files, and which PostgreSQL made its database.
#[derive(Clone, Debug)]
pub struct DevelopmentSettings {
    pub state_dir: PathBuf,
    pub database: DatabaseSettings,
}

impl DevelopmentSettings {
    /// Reads and checks this part alone.
    ///
    /// # Errors
    /// All faults at once. The production profile is one: `dev reset` deletes data.
    pub fn load(environment: &Environment) -> Result<Self, Faults> {
        let mut reader = Reader::new(environment);
        if profile(&mut reader) == Profile::Production {
            let problem = "is not development: `dev` removes data and works in development only";
            reader.fault_together("STRONGROOM_PROFILE", problem);
        }
        let database = DatabaseSettings::read_programs(&mut reader);
        let state_dir = state_dir(&mut reader);
        reader.finish().map(|()| Self { state_dir, database })
    }
}

/// What `health` needs: where the plain listener is.
///
/// # Errors
/// All faults at once.
pub fn plain_address(environment: &Environment) -> Result<SocketAddr, Faults> {
    let mut reader = Reader::new(environment);
    let profile = profile(&mut reader);
    let address = http::bind(&mut reader, "STRONGROOM_HTTP_BIND", profile);
    reader.finish().map(|()| address)
}

/// What `migrate` needs, and no more: it must not ask for the service's secrets.
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
    pub master_keys: MasterKeys,
}

impl AuditSettings {
    /// Reads and checks this part alone.
    ///
    /// # Errors
    /// All faults at once.
    pub fn load(environment: &Environment) -> Result<Self, Faults> {
        Self::with_retired_keys(environment, &[])
    }

    /// Reads and checks this part alone, and master keys that are no longer configured, each from its file.
    ///
    /// # Errors
    /// All faults at once.
    pub fn with_retired_keys(environment: &Environment, files: &[PathBuf]) -> Result<Self, Faults> {
        let mut reader = Reader::new(environment);
        let owner = OwnerSettings::read(&mut reader);
        let keeps_secrets = (owner.profile == Profile::Development).then_some(owner.state_dir.as_path());
        let mut master_keys = MasterKeys::read(&mut reader, keeps_secrets);
        master_keys.read_retired(&mut reader, files);
        reader.finish().map(|()| Self { owner, master_keys })
    }
}
