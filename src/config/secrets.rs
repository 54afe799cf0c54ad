//! `STRONGROOM_SECRETS_…`: the master keys, from which other keys are derived.
//! This module also reads the passwords of the demo users.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretSlice, SecretString};

#[cfg(feature = "dev")]
use super::development;
use super::reader::{Reader, read_secret};

#[derive(Clone, Debug)]
pub struct MasterKeys {
    /// The key for new signatures, of at least 32 bytes.
    pub current: SecretSlice<u8>,
    /// Earlier keys, from before a key rotation. They still verify old signatures, but make no new ones.
    pub older: Vec<SecretSlice<u8>>,
}

#[derive(Clone, Debug)]
pub struct SecretSettings {
    pub master_keys: MasterKeys,
    /// The passwords of the three demo users. In production, there is demo data only with
    /// `STRONGROOM_INSECURE_DEMO_PASSWORD`.
    pub demo_passwords: Option<[SecretString; 3]>,
}

impl SecretSettings {
    pub(super) fn read(reader: &mut Reader<'_>, state_dir: Option<&Path>) -> Self {
        let master_keys = MasterKeys::read(reader, state_dir);
        let name = "STRONGROOM_INSECURE_DEMO_PASSWORD";
        if reader.has_secret(name) {
            let demo_passwords = reader.strong_secret(name).map(|one| [one.clone(), one.clone(), one]);
            return Self { master_keys, demo_passwords };
        }
        #[cfg(feature = "dev")]
        let demo_passwords = {
            let mut stored = |name| development::secret(reader, state_dir?, name, development::random_text);
            let stored = stored("demo_password_1").zip(stored("demo_password_2")).zip(stored("demo_password_3"));
            stored.map(|((first, second), third)| [first, second, third])
        };
        #[cfg(not(feature = "dev"))]
        let demo_passwords = None;
        Self { master_keys, demo_passwords }
    }
}

impl MasterKeys {
    pub(super) fn read(reader: &mut Reader<'_>, state_dir: Option<&Path>) -> Self {
        let (name, previous) = ("STRONGROOM_SECRETS_MASTER_KEY", "STRONGROOM_SECRETS_PREVIOUS_MASTER_KEY");
        let current = match state_dir {
            #[cfg(feature = "dev")]
            Some(folder) if !reader.has_secret(name) => {
                development::secret(reader, folder, "master_key", development::random_text)
            }
            _ => reader.strong_secret(name),
        };
        let previous = reader.has_secret(previous).then(|| reader.strong_secret(previous)).flatten();
        Self { current: current.map(bytes).unwrap_or_default(), older: previous.map(bytes).into_iter().collect() }
    }

    /// Adds retired master keys from files, to verify old security events.
    pub(super) fn read_retired(&mut self, reader: &mut Reader<'_>, files: &[PathBuf]) {
        for file in files {
            match read_secret(file) {
                Ok(key) => self.older.push(bytes(key)),
                Err(error) => {
                    let problem = format!("names a file that cannot be read ({})", error.kind());
                    reader.fault("--retired-key-file", problem);
                }
            }
        }
    }
}

fn bytes(key: SecretString) -> SecretSlice<u8> {
    key.expose_secret().as_bytes().to_vec().into()
}
