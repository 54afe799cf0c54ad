//! TLS 1.2 and 1.3 with forward secrecy. The service loads a renewed certificate without a restart.
//!
//! HTTP/2 is off, because actix uses h2 0.3, which is vulnerable (RUSTSEC-2026-0258). A reverse proxy can add HTTP/2.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;

#[cfg(feature = "dev")]
use crate::dev::certificate::{self, CertificateError};

const RELOAD_INTERVAL: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path}: {cause}. Set STRONGROOM_TLS_CERT_FILE and STRONGROOM_TLS_KEY_FILE to readable PEM files")]
    Unusable { path: PathBuf, cause: String },
    #[error("certificate and key do not match, or no cipher suite fits: {0}")]
    Mismatch(rustls::Error),
    #[cfg(feature = "dev")]
    #[error(transparent)]
    Development(#[from] CertificateError),
}

/// A certificate that the service reloads when its files change.
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
    /// Loads the certificate and its key.
    ///
    /// # Errors
    /// Fails if the files are unreadable or do not match.
    pub fn load(certificate_file: &Path, key_file: &Path) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self {
            current: ArcSwap::from_pointee(read(certificate_file, key_file)?),
            certificate_file: certificate_file.to_owned(),
            key_file: key_file.to_owned(),
        }))
    }

    /// Reloads the certificate when its files change. If the new certificate is invalid, the old one stays in use.
    /// Open connections keep the certificate of their handshake.
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

/// Returns the cipher suites with forward secrecy. Suites with 256 bits come first.
/// For the key exchange, rustls prefers the hybrid post-quantum group.
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

/// Returns the TLS configuration of a listener, with TLS 1.2 and 1.3.
///
/// # Errors
/// Fails if no protocol version supports the cipher suites.
pub fn server_config(certificate: Arc<Certificate>) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::Mismatch)?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(certificate);
    config.ignore_client_order = true;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Returns the certificate for `localhost` from this directory. Creates the certificate if it is missing.
///
/// # Errors
/// Fails if the certificate cannot be created or stored.
#[cfg(feature = "dev")]
pub fn development_certificate(
    directory: &Path,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Arc<Certificate>, TlsError> {
    let (certificate, key) = certificate::files(directory, now)?;
    Certificate::load(&certificate, &key)
}
