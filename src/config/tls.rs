//! `STRONGROOM_TLS_…`: our own HTTPS listener.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::Profile;
use super::http::bind;
use super::reader::Reader;

/// Where HTTPS is spoken, and with which certificate.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    pub bind: SocketAddr,
    /// Certificate chain and key. `None`: development makes its own, production leaves TLS to the declared proxy.
    pub files: Option<(PathBuf, PathBuf)>,
}

impl TlsSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile, by_proxy: bool) -> Self {
        let certificate = pem_file(reader, "STRONGROOM_TLS_CERT_FILE", "-----BEGIN CERTIFICATE-----");
        let key = pem_file(reader, "STRONGROOM_TLS_KEY_FILE", "PRIVATE KEY-----");
        match (&certificate, &key) {
            (Some(_), None) => reader.fault("STRONGROOM_TLS_KEY_FILE", "is missing: the certificate needs its key"),
            (None, Some(_)) => reader.fault("STRONGROOM_TLS_CERT_FILE", "is missing: the key needs its certificate"),
            (None, None) if profile == Profile::Production && !by_proxy => {
                let problem = "is missing: production speaks HTTPS itself (certificate and key), or stands behind a proxy that does (STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY=true)";
                reader.fault("STRONGROOM_TLS_CERT_FILE", problem);
            }
            _ => {}
        }
        Self { bind: bind(reader, "STRONGROOM_TLS_BIND", profile), files: certificate.zip(key) }
    }
}

/// The path of a file that can be read and holds what it should. What is in it is judged by whoever uses it.
pub(super) fn pem_file(reader: &mut Reader<'_>, name: &str, holds: &str) -> Option<PathBuf> {
    let path = PathBuf::from(reader.given(name)?);
    match fs::read_to_string(&path) {
        Ok(text) if text.contains(holds) => {}
        Ok(_) => reader.fault(name, format!("names a file without the PEM line {holds}: is it another file?")),
        Err(error) => reader.fault(name, format!("names a file that cannot be read ({})", error.kind())),
    }
    Some(path)
}
