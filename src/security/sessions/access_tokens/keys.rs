//! Keys of access tokens: at most two keys, which come from the configuration only (CWE-321, CWE-347, API2:2023).
//!
//! **Attack**: weak or mismatched keys (an empty HMAC secret; a public key as HMAC secret, RS/HS confusion); a token
//! that names or contains its own key; keys that cannot be rotated without ending all sessions.
//! **Control**: keys are loaded and checked once, at startup.
//! Each key has a key id (`kid`) that is computed from the key.
//! The `kid` in a token is only compared with these key ids, and is never used as a path, query or URL.
//! The current key signs. The previous key only verifies, so that tokens stay valid during a rotation.
//! **Limits**: an attacker who has the signing key can sign tokens.
//! With Ed25519, services that only verify tokens do not have the signing key.
//! **ASVS**: 9.1.3, 11.2.2, 11.2.3, 13.3.1 · **Test**: `attacks::sessions::access_tokens`

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::config::{JwtAlgorithm, JwtSettings};

/// The minimum length of an HS256 secret in bytes. RFC 7518 §3.2 requires at least the length of the hash.
const SECRET_BYTES: usize = 32;

/// The length of a key id (`kid`) in bytes, before it is encoded.
const KID_BYTES: usize = 16;

/// The error for invalid settings of access tokens. It contains no values of settings, which may be secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtSettingsError {
    #[error("the HS256 key needs at least {SECRET_BYTES} bytes")]
    ShortSecret,
    #[error("the HS256 key is a PEM file: a public or private key must not be used as HMAC secret")]
    PemAsSecret,
    #[error("the EdDSA key is not an Ed25519 private key in PKCS#8 PEM")]
    NotEd25519,
    #[error("the previous key and the current key are the same")]
    SameKeyTwice,
    #[error("the lifetime is not between 1 second and 60 minutes")]
    Lifetime,
    #[error("the issuer or the audience is empty")]
    NoName,
}

/// The loaded keys. One key signs. One or two keys verify.
pub(super) struct SigningKeys {
    pub(super) algorithm: Algorithm,
    pub(super) kid: String,
    pub(super) signing: EncodingKey,
    verifying: Vec<VerifyingKey>,
}

struct VerifyingKey {
    kid: String,
    key: DecodingKey,
    /// The public key as JWK, or `None` for HS256, whose key is secret.
    jwk: Option<Value>,
}

impl SigningKeys {
    pub(super) fn new(settings: &JwtSettings) -> Result<Self, JwtSettingsError> {
        let load = match settings.algorithm {
            JwtAlgorithm::Hs256 => hs256,
            JwtAlgorithm::EdDsa => ed25519,
        };
        let (signing, newest) = load(&settings.key)?;
        let kid = newest.kid.clone();
        let mut verifying = vec![newest];
        if let Some(previous) = &settings.previous_key {
            let (_, previous) = load(previous)?;
            if previous.kid == kid {
                return Err(JwtSettingsError::SameKeyTwice);
            }
            verifying.push(previous);
        }
        Ok(Self {
            algorithm: match settings.algorithm {
                JwtAlgorithm::Hs256 => Algorithm::HS256,
                JwtAlgorithm::EdDsa => Algorithm::EdDSA,
            },
            kid,
            signing,
            verifying,
        })
    }

    pub(super) fn find(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying.iter().find(|key| key.kid == kid).map(|key| &key.key)
    }

    /// Returns the JWK set (RFC 7517) of the public keys, or `None` for HS256, which has no public keys.
    pub(super) fn jwks(&self) -> Option<Value> {
        let keys: Vec<&Value> = self.verifying.iter().filter_map(|key| key.jwk.as_ref()).collect();
        (!keys.is_empty()).then(|| json!({ "keys": keys }))
    }
}

/// Loads an HS256 secret. Its public `kid` is an HMAC of a fixed text with the secret as the key, so the `kid` does not
/// reveal the secret.
fn hs256(secret: &SecretString) -> Result<(EncodingKey, VerifyingKey), JwtSettingsError> {
    let secret = secret.expose_secret();
    if secret.contains("-----BEGIN ") {
        return Err(JwtSettingsError::PemAsSecret);
    }
    if secret.len() < SECRET_BYTES {
        return Err(JwtSettingsError::ShortSecret);
    }
    let name = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), b"strongroom kid");
    let signing = EncodingKey::from_secret(secret.as_bytes()).map_err(|_| JwtSettingsError::ShortSecret)?;
    let key = DecodingKey::from_secret(secret.as_bytes()).map_err(|_| JwtSettingsError::ShortSecret)?;
    Ok((signing, VerifyingKey { kid: kid(name.as_ref()), key, jwk: None }))
}

/// Loads an Ed25519 key pair. Its `kid` is the beginning of the thumbprint of the public key (RFC 7638).
fn ed25519(pem: &SecretString) -> Result<(EncodingKey, VerifyingKey), JwtSettingsError> {
    let der =
        PrivatePkcs8KeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(|_| JwtSettingsError::NotEd25519)?;
    let pair = Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| JwtSettingsError::NotEd25519)?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    let thumbprint = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let kid = kid(digest::digest(&digest::SHA256, thumbprint.as_bytes()).as_ref());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x });
    let verifying = VerifyingKey { kid, key: DecodingKey::from_ed_der(pair.public_key().as_ref()), jwk: Some(jwk) };
    Ok((EncodingKey::from_ed_der(der.secret_pkcs8_der()), verifying))
}

fn kid(hash: &[u8]) -> String {
    let start: Vec<u8> = hash.iter().copied().take(KID_BYTES).collect();
    URL_SAFE_NO_PAD.encode(start)
}
