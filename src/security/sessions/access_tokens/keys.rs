//! The keys of access tokens: at most two, from the configuration and from nowhere else.
//!
//! **Attack**: a weak or mixed-up key (an empty secret signs without a word; a public key used as the secret is the RS→HS confusion
//! by one's own hand); a token that names or brings its own key; a key that cannot be changed without signing everybody out.
//! **Control**: keys are loaded once, checked, and given a name (`kid`) that is computed from them, so a `kid` is only ever compared
//! and never a path, a query or an address. The newest key signs, the one before it still verifies.
//! **Limits**: whoever has the key; with Ed25519 the verifiers at least do not.
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

/// The shortest HS256 secret, in bytes: as long as its hash (RFC 7518 §3.2).
const SECRET_BYTES: usize = 32;

/// 128 bits name a key; nothing depends on their being secret.
const KID_BYTES: usize = 16;

/// The settings of access tokens cannot be used. Says which, never the value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJwtSettings {
    #[error("the HS256 key needs at least {SECRET_BYTES} bytes")]
    ShortSecret,
    #[error("the HS256 key is a PEM file: a public or private key is no HMAC secret")]
    PemAsSecret,
    #[error("the EdDSA key is not an Ed25519 private key in PKCS#8 PEM")]
    NotEd25519,
    #[error("the previous key is the same as the key")]
    SameKeyTwice,
    #[error("the lifetime is not between 1 second and 60 minutes")]
    Lifetime,
    #[error("the issuer or the audience is empty")]
    NoName,
}

/// The keys, ready to use.
pub(super) struct SigningKeys {
    pub(super) algorithm: Algorithm,
    pub(super) kid: String,
    pub(super) signing: EncodingKey,
    verifying: Vec<VerifyingKey>,
}

struct VerifyingKey {
    kid: String,
    key: DecodingKey,
    /// What may be published.
    jwk: Option<Value>,
}

impl SigningKeys {
    pub(super) fn new(settings: &JwtSettings) -> Result<Self, BadJwtSettings> {
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
                return Err(BadJwtSettings::SameKeyTwice);
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

    /// The configured key of that name.
    pub(super) fn named(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying.iter().find(|key| key.kid == kid).map(|key| &key.key)
    }

    /// The JWK set (RFC 7517) of the public keys; none where the keys are secrets.
    pub(super) fn jwks(&self) -> Option<Value> {
        let keys: Vec<&Value> = self.verifying.iter().filter_map(|key| key.jwk.as_ref()).collect();
        (!keys.is_empty()).then(|| json!({ "keys": keys }))
    }
}

/// The name of a secret is made with the secret as the key, so that it gives away no more than any token does.
fn hs256(secret: &SecretString) -> Result<(EncodingKey, VerifyingKey), BadJwtSettings> {
    let secret = secret.expose_secret();
    if secret.contains("-----BEGIN ") {
        return Err(BadJwtSettings::PemAsSecret);
    }
    if secret.len() < SECRET_BYTES {
        return Err(BadJwtSettings::ShortSecret);
    }
    let name = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), b"strongroom kid");
    let signing = EncodingKey::from_secret(secret.as_bytes()).map_err(|_| BadJwtSettings::ShortSecret)?;
    let key = DecodingKey::from_secret(secret.as_bytes()).map_err(|_| BadJwtSettings::ShortSecret)?;
    Ok((signing, VerifyingKey { kid: kid(name.as_ref()), key, jwk: None }))
}

/// The name of a key pair is the thumbprint of its public half (RFC 7638), shortened.
fn ed25519(pem: &SecretString) -> Result<(EncodingKey, VerifyingKey), BadJwtSettings> {
    let der =
        PrivatePkcs8KeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(|_| BadJwtSettings::NotEd25519)?;
    let pair = Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| BadJwtSettings::NotEd25519)?;
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
