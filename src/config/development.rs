//! Development secrets. The first start creates them in the development folder, readable only for the current user.
//! In production, a missing secret is a fault.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use super::reader::Reader;

/// Returns the stored secret with this name, or generates and stores it.
pub(super) fn secret(
    reader: &mut Reader<'_>,
    state_dir: &Path,
    name: &str,
    generate: fn() -> io::Result<String>,
) -> Option<SecretString> {
    let folder = state_dir.join("secrets");
    let path = folder.join(name);
    let stored = match path.try_exists() {
        Ok(false) if reader.writes => store(&folder, name, generate).and_then(|()| read(&folder, &path)),
        Ok(false) => generate().map(SecretString::from),
        Ok(true) => read(&folder, &path),
        Err(error) => Err(error),
    };
    if let Err(error) = &stored {
        let problem = format!(
            "contains the development secrets, and {name} cannot be stored or read there ({error}): fix this, set another folder, or delete it with `cargo run -- dev reset`"
        );
        reader.fault("STRONGROOM_DEV_STATE_DIR", problem);
    }
    stored.ok()
}

/// Returns 256 random bits as text.
pub(super) fn random_text() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("random generator failed"))?;
    Ok(STANDARD.encode(bytes))
}

/// Generates an Ed25519 key in PEM, in PKCS#8 version 1, because jsonwebtoken cannot read version 2.
pub(super) fn ed25519_pem() -> io::Result<String> {
    let key = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1());
    let der = key.map_err(|_| io::Error::other("key generation failed"))?;
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der)))
}

fn store(folder: &Path, name: &str, generate: fn() -> io::Result<String>) -> io::Result<()> {
    if let Some(state_dir) = folder.parent() {
        // Mode 711: the database server may run as another user, who must be able to traverse this folder.
        fs::DirBuilder::new().recursive(true).mode(0o711).create(state_dir)?;
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // A hard link is atomic and never overwrites a file, so two processes that start together use the same secret.
    let draft = folder.join(format!("{name}.{}", uuid::Uuid::new_v4()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = file.write_all(generate()?.as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&draft, folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs::remove_file(&draft)?;
    linked
}

fn read(folder: &Path, path: &Path) -> io::Result<SecretString> {
    if [folder, path].iter().map(fs::metadata).any(|meta| meta.is_ok_and(|meta| meta.mode() & 0o077 != 0)) {
        return Err(io::Error::other("other users can read the file: run chmod -R go= on the folder"));
    }
    let text = fs::read_to_string(path)?;
    if text.is_empty() {
        return Err(io::Error::other("the file is empty"));
    }
    Ok(text.into())
}
