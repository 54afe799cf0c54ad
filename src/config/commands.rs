//! The settings of all commands except `serve`. Each command only reads the settings that it needs.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::database::DatabaseSettings;
use super::environment::Environment;
use super::faults::Faults;
use super::passwords::PasswordSettings;
use super::reader::Reader;
use super::secrets::MasterKeys;
#[cfg(feature = "dev")]
use super::state_dir;
use super::{Profile, development_folder, http, profile, replica};

/// The settings of the commands `dev`.
#[cfg(feature = "dev")]
#[derive(Clone, Debug)]
pub struct DevelopmentSettings {
    pub state_dir: PathBuf,
    pub database: DatabaseSettings,
}

#[cfg(feature = "dev")]
impl DevelopmentSettings {
    /// # Errors
    /// [`Faults`] with all faults at once. The production profile is a fault, because `dev reset` deletes data.
    pub fn load(environment: &Environment) -> Result<Self, Faults> {
        let mut reader = Reader::new(environment);
        if profile(&mut reader) == Profile::Production {
            let problem = "is not development: `dev` deletes data and works only in development";
            reader.combined_fault("STRONGROOM_PROFILE", problem);
        }
        let database = DatabaseSettings::read_programs(&mut reader);
        let state_dir = state_dir(&mut reader);
        reader.finish().map(|()| Self { state_dir, database })
    }
}

/// Reads the address of the plain HTTP listener, for the command `health`.
pub fn http_address(environment: &Environment) -> Result<SocketAddr, Faults> {
    let mut reader = Reader::new(environment);
    let profile = profile(&mut reader);
    let address = http::bind(&mut reader, "STRONGROOM_HTTP_BIND", profile);
    reader.finish().map(|()| address)
}

/// The settings of the command `migrate`, without any secret of the service (least privilege).
#[derive(Clone, Debug)]
pub struct OwnerSettings {
    pub profile: Profile,
    pub replica: String,
    #[cfg(feature = "dev")]
    pub state_dir: PathBuf,
    /// Without `owner_url`, the command uses the development database.
    pub database: DatabaseSettings,
    pub passwords: PasswordSettings,
}

impl OwnerSettings {
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
            #[cfg(feature = "dev")]
            state_dir: state_dir(reader),
        }
    }
}

/// The settings of the commands `admin` and `audit`. Both need the master key:
/// `admin` signs the security events that it records, and `audit` verifies stored events.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    pub owner: OwnerSettings,
    pub master_keys: MasterKeys,
}

impl AuditSettings {
    pub fn load(environment: &Environment) -> Result<Self, Faults> {
        Self::with_retired_keys(environment, &[])
    }

    /// Reads the settings and adds the retired master keys in `files`, which verify old events.
    pub fn with_retired_keys(environment: &Environment, files: &[PathBuf]) -> Result<Self, Faults> {
        let mut reader = Reader::new(environment);
        let owner = OwnerSettings::read(&mut reader);
        let development = development_folder(&mut reader, owner.profile);
        let mut master_keys = MasterKeys::read(&mut reader, development.as_deref());
        master_keys.read_retired(&mut reader, files);
        reader.finish().map(|()| Self { owner, master_keys })
    }
}
