//! How access tokens are signed.

use std::time::Duration;

use secrecy::SecretString;

/// The one algorithm that signs and verifies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// One service signs and verifies.
    #[default]
    Hs256,
    /// Other services verify, with the published key (Ed25519).
    EdDsa,
}

/// The settings of access tokens.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    pub algorithm: JwtAlgorithm,
    /// HS256: at least 32 bytes of text. EdDSA: a PKCS#8 private key in PEM.
    pub key: SecretString,
    /// The key before this one: it still verifies, and signs nothing.
    pub previous_key: Option<SecretString>,
    pub issuer: String,
    pub audience: String,
    /// How long a token lives: at most 60 minutes.
    pub ttl: Duration,
}
