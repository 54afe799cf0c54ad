//! `STRONGROOM_MANAGEMENT_…`: the management listener, which serves metrics and status to operators.

use std::net::SocketAddr;

use secrecy::SecretString;

use super::http::bind;
use super::reader::Reader;
use super::{Profile, TlsSettings};

#[derive(Clone, Debug)]
pub struct ManagementSettings {
    pub bind: SocketAddr,
    /// The bearer token that clients must send. Without it, all clients on the same machine have access.
    pub token: Option<SecretString>,
}

const TOKEN: &str = "STRONGROOM_MANAGEMENT_TOKEN";

impl ManagementSettings {
    /// Reads the settings. TLS and a token are required if other machines can reach the listener.
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile, tls: &TlsSettings) -> Self {
        let bind = bind(reader, "STRONGROOM_MANAGEMENT_BIND", profile);
        let token = if reader.has_secret(TOKEN) { reader.strong_secret(TOKEN) } else { None };
        if profile == Profile::Production && !bind.ip().is_loopback() {
            if token.is_none() {
                reader.combined_fault(
                    TOKEN,
                    "is missing: a management port that other machines can reach requires a token (openssl rand -base64 48)",
                );
            }
            if tls.files.is_none() {
                reader.combined_fault(
                    "STRONGROOM_TLS_CERT_FILE",
                    "is missing: a management port that other machines can reach requires TLS with this certificate",
                );
            }
        }
        Self { bind, token }
    }
}
