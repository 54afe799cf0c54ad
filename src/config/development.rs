//! Development's own secrets: made at first start, kept in its folder for this user's eyes only.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use secrecy::SecretString;

use super::environment::Reader;

pub(super) struct GeneratedSecrets {
    pub master_key: SecretString,
    pub jwt_key: SecretString,
}

/// Reads them, or makes them.
pub(super) fn secrets(state_dir: &Path, reader: &mut Reader<'_>) -> Option<GeneratedSecrets> {
    let directory = state_dir.join("secrets");
    let made = (|| {
        Ok(GeneratedSecrets { master_key: kept(&directory, "master_key")?, jwt_key: kept(&directory, "jwt_key")? })
    })();
    made.map_err(|error: io::Error| {
        let problem =
            format!("is a folder in which nothing can be kept ({}): make it writable, or name another", error.kind());
        reader.fault("STRONGROOM_DEV_STATE_DIR", problem);
    })
    .ok()
}

fn kept(directory: &Path, name: &str) -> io::Result<SecretString> {
    let path = directory.join(name);
    if let Ok(text) = fs::read_to_string(&path) {
        return Ok(text.into());
    }
    if let Some(state_dir) = directory.parent() {
        // The database's user must pass through, and nobody look.
        fs::DirBuilder::new().recursive(true).mode(0o711).create(state_dir)?;
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(text.as_bytes())?;
    Ok(text.into())
}
