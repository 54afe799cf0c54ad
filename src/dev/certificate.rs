//! The TLS certificate for `localhost` that development uses.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

/// Less than the validity of a certificate, which is a year.
const RENEW_AFTER: TimeDelta = TimeDelta::days(300);

#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("failed to store the development certificate in {path}: {cause}")]
    NotStored { path: PathBuf, cause: io::Error },
    #[error("failed to create the development certificate: {0}")]
    NotCreated(#[from] rcgen::Error),
}

/// Returns the paths of the certificate and its key, and creates or renews them if necessary.
/// A development authority (`ca.pem`) signs the certificate. Browsers that trust the authority accept the certificate.
pub fn files(directory: &Path, now: DateTime<Utc>) -> Result<(PathBuf, PathBuf), CertificateError> {
    let file = |name: &str| directory.join(name);
    let (leaf, key) = (file("localhost.pem"), file("localhost.key.pem"));
    let created = fs::metadata(&leaf).and_then(|leaf| leaf.modified()).map(DateTime::<Utc>::from);
    if !created.is_ok_and(|created| now - created < RENEW_AFTER) || !key.exists() {
        create_certificate(directory, now, &leaf, &key)?;
    }
    Ok((leaf, key))
}

fn valid_for_a_year(certificate: &mut CertificateParams, now: DateTime<Utc>) {
    let day = |at: DateTime<Utc>| date_time_ymd(at.year(), at.month() as u8, at.day() as u8);
    certificate.not_before = day(now - TimeDelta::days(1));
    certificate.not_after = day(now + TimeDelta::days(364));
}

fn create_certificate(
    directory: &Path,
    now: DateTime<Utc>,
    leaf_file: &Path,
    key_file: &Path,
) -> Result<(), CertificateError> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.distinguished_name.push(DnType::CommonName, "Strongroom development authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    valid_for_a_year(&mut authority, now);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let leaf_key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(["localhost", "127.0.0.1", "::1"].map(str::to_owned))?;
    leaf.distinguished_name.push(DnType::CommonName, "localhost");
    valid_for_a_year(&mut leaf, now);
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let leaf_pem = leaf.signed_by(&leaf_key, &issuer)?.pem();

    let store = |path: &Path, text: &str| {
        write_private(path, text).map_err(|cause| CertificateError::NotStored { path: path.to_owned(), cause })
    };
    store(&directory.join("ca.pem"), &authority_pem)?;
    store(leaf_file, &leaf_pem)?;
    store(key_file, &leaf_key.serialize_pem())
}

/// Writes a file that only the current user can read.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    if let Some(directory) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
