//! `STRONGROOM_TLS_…`: our own HTTPS listener.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::Profile;
use super::environment::Reader;
use super::http::bind;

/// Where HTTPS is spoken, and with which certificate.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    pub bind: SocketAddr,
    /// Certificate chain and key. `None`: development makes its own, production leaves TLS to the declared proxy.
    pub files: Option<(PathBuf, PathBuf)>,
}

impl TlsSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile, by_proxy: bool) -> Self {
        let file = |reader: &mut Reader<'_>, name: &str| {
            let path = PathBuf::from(reader.given(name)?);
            if let Err(error) = fs::File::open(&path) {
                reader.fault(name, format!("names a file that cannot be read ({})", error.kind()));
            }
            Some(path)
        };
        let certificate = file(reader, "STRONGROOM_TLS_CERT_FILE");
        let key = file(reader, "STRONGROOM_TLS_KEY_FILE");
        if certificate.is_some() != key.is_some() {
            reader.fault(
                "STRONGROOM_TLS_CERT_FILE",
                "and STRONGROOM_TLS_KEY_FILE belong together: one of them is missing",
            );
        }
        if profile == Profile::Production && certificate.is_none() && !by_proxy {
            let problem = "is missing: production speaks HTTPS itself (certificate and key), or behind a proxy that does (STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY)";
            reader.fault("STRONGROOM_TLS_CERT_FILE", problem);
        }
        Self { bind: bind(reader, "STRONGROOM_TLS_BIND", profile), files: certificate.zip(key) }
    }
}
