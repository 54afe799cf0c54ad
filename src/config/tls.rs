//! `STRONGROOM_TLS_…`: the HTTPS listener and its certificate.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::Profile;
use super::http::bind;
use super::reader::Reader;

#[derive(Clone, Debug)]
pub struct TlsSettings {
    pub bind: SocketAddr,
    /// The files of the certificate chain and its private key.
    /// Without them, development creates a certificate, and in production a proxy terminates TLS.
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
                let problem = "is missing: production needs a certificate and key, or a proxy that terminates TLS (STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY=true)";
                reader.fault("STRONGROOM_TLS_CERT_FILE", problem);
            }
            _ => {}
        }
        Self { bind: bind(reader, "STRONGROOM_TLS_BIND", profile), files: certificate.zip(key) }
    }
}

/// Returns the path in a setting. The file must contain the text `line`, for example `-----BEGIN CERTIFICATE-----`.
pub(super) fn pem_file(reader: &mut Reader<'_>, name: &str, line: &str) -> Option<PathBuf> {
    let path = PathBuf::from(reader.optional(name)?);
    match fs::read_to_string(&path) {
        Ok(text) if text.contains(line) => {}
        Ok(_) => reader.fault(name, format!("names a file without the line {line}: check the path")),
        Err(error) => reader.fault(name, format!("names a file that cannot be read ({})", error.kind())),
    }
    Some(path)
}
