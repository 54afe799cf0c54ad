//! `STRONGROOM_SECRETS_…`: the key from which all of the service's own keys are derived; and what development makes for itself.

use std::path::Path;

use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::development;
use super::reader::Reader;

/// Secrets that belong to no other section.
#[derive(Clone, Debug)]
pub struct SecretSettings {
    /// At least 32 bytes.
    pub master_key: SecretSlice<u8>,
    /// In development only: of the three users of the demo data.
    pub demo_passwords: Option<[SecretString; 3]>,
}

impl SecretSettings {
    /// `state_dir`: development's folder, in production none.
    pub(super) fn read(reader: &mut Reader<'_>, state_dir: Option<&Path>) -> Self {
        let master_key = Self::master_key(reader, state_dir);
        let mut kept = |name| development::secret(reader, state_dir?, name, development::random_text);
        let demo_passwords = kept("demo_password_1").zip(kept("demo_password_2")).zip(kept("demo_password_3"));
        let demo_passwords = demo_passwords.map(|((first, second), third)| [first, second, third]);
        Self { master_key, demo_passwords }
    }

    /// The key alone.
    pub(super) fn master_key(reader: &mut Reader<'_>, state_dir: Option<&Path>) -> SecretSlice<u8> {
        let name = "STRONGROOM_SECRETS_MASTER_KEY";
        let key = match state_dir {
            Some(folder) if !reader.has_secret(name) => {
                development::secret(reader, folder, "master_key", development::random_text)
            }
            _ => reader.strong_secret(name),
        };
        key.map(|key| key.expose_secret().as_bytes().to_vec()).unwrap_or_default().into()
    }
}
