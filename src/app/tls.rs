//! TLS 1.2 and 1.3 with forward secrecy. Certificates are reloaded without restart.
//!
//! HTTP/1.1 only: actix's `http2` uses h2 0.3 with RUSTSEC-2026-0258, so HTTP/2 is left to a reverse proxy.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;

const RELOAD_INTERVAL: Duration = Duration::from_secs(2);
const RENEW_AFTER: TimeDelta = TimeDelta::days(300);

/// The error of TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path}: {cause}. Set STRONGROOM_TLS_CERT_FILE and STRONGROOM_TLS_KEY_FILE to readable PEM files")]
    Unusable { path: PathBuf, cause: String },
    #[error("certificate and key do not match, or no cipher suite fits: {0}")]
    Mismatch(rustls::Error),
    #[error("failed to store the development certificate in {path}: {cause}")]
    NotStored { path: PathBuf, cause: io::Error },
    #[error("failed to create the development certificate: {0}")]
    NotCreated(#[from] rcgen::Error),
}

/// A certificate that is reloaded when its files change.
#[derive(Debug)]
pub struct Certificate {
    certificate_file: PathBuf,
    key_file: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl Certificate {
    /// Loads certificate and key.
    ///
    /// # Errors
    /// The files are unreadable, or do not match.
    pub fn load(certificate_file: &Path, key_file: &Path) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self {
            current: ArcSwap::from_pointee(read(certificate_file, key_file)?),
            certificate_file: certificate_file.to_owned(),
            key_file: key_file.to_owned(),
        }))
    }

    /// Reloads the certificate when its files change. Open connections keep theirs; an invalid certificate is ignored.
    pub async fn watch(self: Arc<Self>) {
        let changed = || {
            [&self.certificate_file, &self.key_file]
                .map(|file| fs::metadata(file).and_then(|meta| meta.modified()).ok())
        };
        let mut seen = changed();
        loop {
            tokio::time::sleep(RELOAD_INTERVAL).await;
            let now = changed();
            if now == seen {
                continue;
            }
            match read(&self.certificate_file, &self.key_file) {
                Ok(fresh) => {
                    self.current.store(Arc::new(fresh));
                    seen = now;
                    tracing::info!("certificate reloaded");
                }
                Err(cause) => {
                    tracing::error!(%cause, "failed to reload the certificate; the previous one stays in use")
                }
            }
        }
    }
}

fn read(certificate_file: &Path, key_file: &Path) -> Result<CertifiedKey, TlsError> {
    let unusable = |path: &Path, cause: rustls::pki_types::pem::Error| TlsError::Unusable {
        path: path.to_owned(),
        cause: cause.to_string(),
    };
    let chain = CertificateDer::pem_file_iter(certificate_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| unusable(certificate_file, cause))?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|cause| unusable(key_file, cause))?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(TlsError::Mismatch)
}

/// Suites with forward secrecy, 256-bit first. The library prefers the hybrid post-quantum key exchange.
fn provider() -> CryptoProvider {
    use aws_lc_rs::cipher_suite::{
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS13_AES_128_GCM_SHA256,
        TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
    };
    CryptoProvider {
        cipher_suites: vec![
            TLS13_AES_256_GCM_SHA384,
            TLS13_CHACHA20_POLY1305_SHA256,
            TLS13_AES_128_GCM_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ],
        ..aws_lc_rs::default_provider()
    }
}

/// Returns the configuration of a listener. rustls does not support TLS 1.0 and 1.1.
///
/// # Errors
/// No protocol version fits the suites.
pub fn server_config(certificate: Arc<Certificate>) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::Mismatch)?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(certificate);
    config.ignore_client_order = true;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Returns the development certificate for `localhost`, signed by a development authority (`ca.pem`). It is created at the first start,
/// and renewed after 300 days.
///
/// # Errors
/// The certificate cannot be created or stored.
pub fn development_certificate(directory: &Path, now: DateTime<Utc>) -> Result<Arc<Certificate>, TlsError> {
    let file = |name: &str| directory.join(name);
    let (leaf, key) = (file("localhost.pem"), file("localhost.key.pem"));
    let created = fs::metadata(&leaf).and_then(|leaf| leaf.modified()).map(DateTime::<Utc>::from);
    if !created.is_ok_and(|created| now - created < RENEW_AFTER) || !key.exists() {
        create_certificate(directory, now, &leaf, &key)?;
    }
    Certificate::load(&leaf, &key)
}

fn valid_for_a_year(certificate: &mut CertificateParams, now: DateTime<Utc>) {
    let day = |at: DateTime<Utc>| date_time_ymd(at.year(), at.month() as u8, at.day() as u8);
    certificate.not_before = day(now - TimeDelta::days(1));
    certificate.not_after = day(now + TimeDelta::days(364));
}

fn create_certificate(directory: &Path, now: DateTime<Utc>, leaf_file: &Path, key_file: &Path) -> Result<(), TlsError> {
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
        write_private(path, text).map_err(|cause| TlsError::NotStored { path: path.to_owned(), cause })
    };
    store(&directory.join("ca.pem"), &authority_pem)?;
    store(leaf_file, &leaf_pem)?;
    store(key_file, &leaf_key.serialize_pem())
}

/// Writes a file that only this user can read.
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
