//! Development's own secrets: made at first start, kept in its folder for this user's eyes only. Nothing of this runs in
//! production, where a secret that is not given is a fault.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use super::reader::Reader;

/// The kept secret of this name, made first where there is none.
pub(super) fn secret(
    reader: &mut Reader<'_>,
    state_dir: &Path,
    name: &str,
    make: fn() -> io::Result<String>,
) -> Option<SecretString> {
    let folder = state_dir.join("secrets");
    let path = folder.join(name);
    let kept = match path.try_exists() {
        Ok(false) if reader.writes => keep(&folder, name, make).and_then(|()| read(&folder, &path)),
        Ok(false) => make().map(SecretString::from),
        Ok(true) => read(&folder, &path),
        Err(error) => Err(error),
    };
    if let Err(error) = &kept {
        let problem = format!(
            "is where development keeps its secrets, and {name} cannot be kept there ({error}): repair it, name another folder, or begin anew with `cargo run -- dev reset`"
        );
        reader.fault("STRONGROOM_DEV_STATE_DIR", problem);
    }
    kept.ok()
}

/// 256 random bits.
pub(super) fn random_text() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
    Ok(STANDARD.encode(bytes))
}

/// An Ed25519 key, as PKCS#8 version 1 in PEM: the form that jsonwebtoken reads.
pub(super) fn ed25519_pem() -> io::Result<String> {
    let made = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1());
    let der = made.map_err(|_| io::Error::other("no key"))?;
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der)))
}

fn keep(folder: &Path, name: &str, make: fn() -> io::Result<String>) -> io::Result<()> {
    if let Some(state_dir) = folder.parent() {
        // The database's own user must be able to pass through to its data.
        fs::DirBuilder::new().recursive(true).mode(0o711).create(state_dir)?;
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Whole or not at all, and never over another's: two that start together must end with one key.
    let draft = folder.join(format!("{name}.{}", uuid::Uuid::new_v4()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let made = file.write_all(make()?.as_bytes()).and_then(|()| file.sync_all());
    let linked = made.and_then(|()| match fs::hard_link(&draft, folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs::remove_file(&draft)?;
    linked
}

fn read(folder: &Path, path: &Path) -> io::Result<SecretString> {
    if [folder, path].iter().map(fs::metadata).any(|meta| meta.is_ok_and(|meta| meta.mode() & 0o077 != 0)) {
        return Err(io::Error::other("others can read it: chmod -R go= that folder"));
    }
    let text = fs::read_to_string(path)?;
    if text.is_empty() {
        return Err(io::Error::other("it is empty"));
    }
    Ok(text.into())
}
