//! `STRONGROOM_MANAGEMENT_…`: the listener for the operator's own tools.

use std::net::SocketAddr;

use secrecy::SecretString;

use super::http::bind;
use super::reader::Reader;
use super::{Profile, TlsSettings};

/// Where metrics are served, and to whom.
#[derive(Clone, Debug)]
pub struct ManagementSettings {
    pub bind: SocketAddr,
    /// Who asks must show it. `None`: whoever is on this machine may ask.
    pub token: Option<SecretString>,
}

const TOKEN: &str = "STRONGROOM_MANAGEMENT_TOKEN";

impl ManagementSettings {
    /// Beyond loopback it speaks TLS and wants a token; there is no setting for less.
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile, tls: &TlsSettings) -> Self {
        let bind = bind(reader, "STRONGROOM_MANAGEMENT_BIND", profile);
        let token = if reader.has_secret(TOKEN) { reader.strong_secret(TOKEN) } else { None };
        if profile == Profile::Production && !bind.ip().is_loopback() {
            if token.is_none() {
                reader.fault_together(
                    TOKEN,
                    "is missing: beyond loopback the management port wants one (openssl rand -base64 48)",
                );
            }
            if tls.files.is_none() {
                reader.fault_together(
                    "STRONGROOM_TLS_CERT_FILE",
                    "is missing: beyond loopback the management port speaks TLS, with this certificate",
                );
            }
        }
        Self { bind, token }
    }
}
