//! TLS 1.2 and 1.3, forward secrecy only, certificates that are exchanged while connections live on.
//!
//! HTTP/1.1 only: actix's `http2` brings h2 0.3 with RUSTSEC-2026-0258, so HTTP/2 is the reverse proxy's business.

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

const LOOK_AGAIN_EVERY: Duration = Duration::from_secs(2);
const MADE_ANEW_AFTER: TimeDelta = TimeDelta::days(300);

/// Why there is no TLS. Each says which file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error(
        "{path}: {cause}. Give STRONGROOM_TLS_CERT_FILE and STRONGROOM_TLS_KEY_FILE as PEM files that this user can read"
    )]
    Unusable { path: PathBuf, cause: String },
    #[error("the certificate and the key do not belong together, or no suite fits: {0}")]
    Mismatch(rustls::Error),
    #[error("the development certificate cannot be kept in {path}: {cause}")]
    NotKept { path: PathBuf, cause: io::Error },
    #[error("the development certificate cannot be made: {0}")]
    NotMade(#[from] rcgen::Error),
}

/// A certificate that is read again when its files change.
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
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be read, or do not belong together.
    pub fn load(certificate_file: &Path, key_file: &Path) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self {
            current: ArcSwap::from_pointee(read(certificate_file, key_file)?),
            certificate_file: certificate_file.to_owned(),
            key_file: key_file.to_owned(),
        }))
    }

    /// Looks at the files again and again. Connections that are open keep what they have; what cannot be used is left alone.
    pub async fn watch(self: Arc<Self>) {
        let changed = || {
            [&self.certificate_file, &self.key_file]
                .map(|file| fs::metadata(file).and_then(|meta| meta.modified()).ok())
        };
        let mut seen = changed();
        loop {
            tokio::time::sleep(LOOK_AGAIN_EVERY).await;
            let now = changed();
            if now == seen {
                continue;
            }
            match read(&self.certificate_file, &self.key_file) {
                Ok(fresh) => {
                    self.current.store(Arc::new(fresh));
                    seen = now;
                    tracing::info!("the certificate was exchanged");
                }
                Err(cause) => tracing::error!(%cause, "the changed certificate cannot be used, the one before stays"),
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

/// 256-bit suites first, all with forward secrecy; the hybrid post-quantum group is the library's first choice.
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

/// What the listener speaks. TLS 1.0 and 1.1 do not exist in rustls.
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

/// Development's certificate for `localhost`, made at first start and kept for most of its year: an authority (`ca.pem`, to
/// trust) and a leaf.
///
/// # Errors
/// It cannot be made or kept.
pub fn development_certificate(directory: &Path, now: DateTime<Utc>) -> Result<Arc<Certificate>, TlsError> {
    let file = |name: &str| directory.join(name);
    let (leaf, key) = (file("localhost.pem"), file("localhost.key.pem"));
    let made = fs::metadata(&leaf).and_then(|leaf| leaf.modified()).map(DateTime::<Utc>::from);
    if !made.is_ok_and(|made| now - made < MADE_ANEW_AFTER) || !key.exists() {
        make_certificate(directory, now, &leaf, &key)?;
    }
    Certificate::load(&leaf, &key)
}

fn valid_for_a_year(certificate: &mut CertificateParams, now: DateTime<Utc>) {
    let day = |at: DateTime<Utc>| date_time_ymd(at.year(), at.month() as u8, at.day() as u8);
    certificate.not_before = day(now - TimeDelta::days(1));
    certificate.not_after = day(now + TimeDelta::days(364));
}

fn make_certificate(directory: &Path, now: DateTime<Utc>, leaf_file: &Path, key_file: &Path) -> Result<(), TlsError> {
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

    let keep = |path: &Path, text: &str| {
        write_private(path, text).map_err(|cause| TlsError::NotKept { path: path.to_owned(), cause })
    };
    keep(&directory.join("ca.pem"), &authority_pem)?;
    keep(leaf_file, &leaf_pem)?;
    keep(key_file, &leaf_key.serialize_pem())
}

/// For this user's eyes only, from its first byte on.
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
