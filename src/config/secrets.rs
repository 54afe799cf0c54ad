//! `STRONGROOM_SECRETS_…`: the key from which all of the service's own keys are derived.

use std::path::Path;

use secrecy::{ExposeSecret, SecretSlice};

use super::development;
use super::reader::Reader;

/// The master key.
#[derive(Clone, Debug)]
pub struct SecretSettings {
    /// At least 32 bytes.
    pub master_key: SecretSlice<u8>,
}

impl SecretSettings {
    /// `state_dir`: development's folder, in production none.
    pub(super) fn read(reader: &mut Reader<'_>, state_dir: Option<&Path>) -> Self {
        let name = "STRONGROOM_SECRETS_MASTER_KEY";
        let key = match state_dir {
            Some(folder) if !reader.has_secret(name) => {
                development::secret(reader, folder, "master_key", development::random_text)
            }
            _ => reader.strong_secret(name),
        };
        let bytes = key.map(|key| key.expose_secret().as_bytes().to_vec()).unwrap_or_default();
        Self { master_key: bytes.into() }
    }
}
