//! `STRONGROOM_SECRETS_…`: the key from which all of the service's own keys are derived.

use secrecy::{ExposeSecret, SecretSlice};

use super::development::GeneratedSecrets;
use super::environment::Reader;

/// The master key.
#[derive(Clone, Debug)]
pub struct SecretSettings {
    pub master_key: SecretSlice<u8>,
}

impl SecretSettings {
    pub(super) fn read(reader: &mut Reader<'_>, generated: Option<&GeneratedSecrets>) -> Self {
        let key = match generated {
            Some(generated) if !reader.has_secret("STRONGROOM_SECRETS_MASTER_KEY") => {
                Some(generated.master_key.clone())
            }
            _ => reader.strong_secret("STRONGROOM_SECRETS_MASTER_KEY"),
        };
        let bytes = key.map(|key| key.expose_secret().as_bytes().to_vec()).unwrap_or_default();
        Self { master_key: bytes.into() }
    }
}
