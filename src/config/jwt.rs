//! `STRONGROOM_JWT_…`: the settings of access tokens.

use std::path::Path;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

#[cfg(feature = "dev")]
use super::development;
use super::reader::Reader;

/// The only signature algorithm that the service accepts (prevents algorithm confusion).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// HMAC-SHA256 with a secret key, so only this service can verify tokens.
    #[default]
    Hs256,
    /// Ed25519. Other services can verify tokens with the public key.
    EdDsa,
}

#[derive(Clone, Debug)]
pub struct JwtSettings {
    pub algorithm: JwtAlgorithm,
    /// The key that signs tokens. HS256: at least 32 bytes of text. EdDSA: a PKCS#8 private key in PEM.
    pub key: SecretString,
    /// The key before the last key rotation. It still verifies tokens, but does not sign them.
    pub previous_key: Option<SecretString>,
    pub issuer: String,
    pub audience: String,
    /// The lifetime of a token, at most 60 minutes.
    pub ttl: Duration,
}

impl JwtSettings {
    pub(super) fn read(reader: &mut Reader<'_>, state_dir: Option<&Path>, public_url: &str) -> Self {
        let algorithm = match reader.text("STRONGROOM_JWT_ALGORITHM").as_str() {
            "HS256" => JwtAlgorithm::Hs256,
            "EdDSA" => JwtAlgorithm::EdDsa,
            _ => {
                reader.fault("STRONGROOM_JWT_ALGORITHM", "is neither HS256 nor EdDSA");
                JwtAlgorithm::Hs256
            }
        };
        let key = match state_dir {
            #[cfg(feature = "dev")]
            Some(folder) if !reader.has_secret("STRONGROOM_JWT_KEY") => match algorithm {
                JwtAlgorithm::Hs256 => development::secret(reader, folder, "jwt_key", development::random_text),
                JwtAlgorithm::EdDsa => development::secret(reader, folder, "jwt_key.pem", development::ed25519_pem),
            },
            _ => signing_key(reader, "STRONGROOM_JWT_KEY", algorithm),
        };
        let previous = "STRONGROOM_JWT_PREVIOUS_KEY";
        let previous_key = reader.has_secret(previous).then(|| signing_key(reader, previous, algorithm)).flatten();
        Self {
            algorithm,
            key: key.unwrap_or_default(),
            previous_key,
            issuer: reader.optional("STRONGROOM_JWT_ISSUER").unwrap_or_else(|| public_url.to_owned()),
            audience: reader.text("STRONGROOM_JWT_AUDIENCE"),
            ttl: Duration::from_secs(reader.number("STRONGROOM_JWT_TTL_SECONDS", 60, 3600)),
        }
    }
}

fn signing_key(reader: &mut Reader<'_>, name: &str, algorithm: JwtAlgorithm) -> Option<SecretString> {
    match algorithm {
        JwtAlgorithm::Hs256 => reader.strong_secret(name),
        JwtAlgorithm::EdDsa => {
            let key = reader.required_secret(name, "openssl genpkey -algorithm ed25519 creates one");
            let is_pem =
                |key: &SecretString| key.expose_secret().trim_start().starts_with("-----BEGIN PRIVATE KEY-----");
            if key.as_ref().is_some_and(|key| !is_pem(key)) {
                reader
                    .fault(name, "is not a private key in PKCS#8 PEM: openssl genpkey -algorithm ed25519 creates one");
            }
            key
        }
    }
}
