//! Forged access tokens, for attack tests and for the unit tests of `security/sessions/access_tokens`.
//!
//! Most forgeries have a valid signature, because an attacker may have a leaked key, or another service may use the
//! same key. The service can reject them only by their claims and their header.

mod algorithm;
mod claims;
mod header;
mod shape;

use std::collections::HashSet;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

/// The name of a forgery, and the token. The name starts with the reason that the service logs.
pub type Forgery = (&'static str, String);

/// The key of the service.
pub enum Key {
    Hs256(Vec<u8>),
    EdDsa(Box<Ed25519KeyPair>),
}

impl Key {
    pub fn hs256(secret: &str) -> Self {
        Self::Hs256(secret.as_bytes().to_vec())
    }

    pub fn ed_dsa(pem: &str) -> Self {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        Self::EdDsa(Box::new(Ed25519KeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap()))
    }

    fn sign(&self, message: &str) -> Vec<u8> {
        match self {
            Self::Hs256(secret) => mac(hmac::HMAC_SHA256, secret, message),
            Self::EdDsa(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
        }
    }

    /// Returns the Ed25519 public key. For HS256, it belongs to a new random pair.
    fn public(&self) -> Vec<u8> {
        match self {
            Self::Hs256(_) => Ed25519KeyPair::generate().unwrap().public_key().as_ref().to_vec(),
            Self::EdDsa(pair) => pair.public_key().as_ref().to_vec(),
        }
    }
}

fn mac(algorithm: hmac::Algorithm, secret: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes()).as_ref().to_vec()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A valid token, its parts, and the key for forgeries.
pub struct Forger<'a> {
    key: &'a Key,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    token: &'a str,
}

impl<'a> Forger<'a> {
    pub fn new(token: &'a str, key: &'a Key) -> Self {
        let part = |index: usize| {
            let text = token.split('.').nth(index).unwrap();
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        Self { key, header: part(0), claims: part(1), token }
    }

    pub fn sign_raw(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        format!("{message}.{}", encode(self.key.sign(&message)))
    }

    fn json(map: &Map<String, Value>) -> String {
        Value::Object(map.clone()).to_string()
    }

    /// Changes one header parameter (null removes it), and signs the token again.
    pub fn header(&self, name: &str, value: Value) -> String {
        self.sign_raw(&Self::json(&with(&self.header, name, value)), &Self::json(&self.claims))
    }

    /// Changes one claim (null removes it), and signs the token again.
    pub fn claim(&self, name: &str, value: Value) -> String {
        self.claims(&[(name, value)])
    }

    pub fn claims(&self, changes: &[(&str, Value)]) -> String {
        let claims =
            changes.iter().fold(self.claims.clone(), |claims, (name, value)| with(&claims, name, value.clone()));
        self.sign_raw(&Self::json(&self.header), &Self::json(&claims))
    }

    fn signed_by(&self, changes: &[(&str, Value)], sign: impl Fn(&str) -> Vec<u8>) -> String {
        let header =
            changes.iter().fold(self.header.clone(), |header, (name, value)| with(&header, name, value.clone()));
        let message = format!("{}.{}", encode(Self::json(&header)), encode(Self::json(&self.claims)));
        format!("{message}.{}", encode(sign(&message)))
    }

    pub fn time(&self, name: &str) -> i64 {
        self.claims.get(name).and_then(Value::as_i64).unwrap()
    }

    fn text(&self, name: &str) -> String {
        self.claims.get(name).and_then(Value::as_str).unwrap().to_owned()
    }
}

fn with(map: &Map<String, Value>, name: &str, value: Value) -> Map<String, Value> {
    let mut map = map.clone();
    if value.is_null() {
        map.remove(name);
    } else {
        map.insert(name.to_owned(), value);
    }
    map
}

/// Returns all forgeries of a fresh token. The `iat` of this token counts as the current time.
pub fn all(token: &str, key: &Key) -> Vec<Forgery> {
    let forger = Forger::new(token, key);
    [
        algorithm::no_signature(&forger),
        algorithm::other_algorithm(&forger),
        algorithm::public_key_as_secret(&forger),
        header::header_tricks(&forger),
        claims::issuer_audience_subject(&forger),
        claims::time(&forger),
        shape::shape(&forger),
    ]
    .concat()
}

#[test]
fn forgeries_have_unique_names_and_differ_from_the_valid_token() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let body = STANDARD.encode(pair.to_pkcs8v1().unwrap());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    for (algorithm, key) in
        [("HS256", Key::hs256("a secret of this test, and of no service")), ("EdDSA", Key::ed_dsa(&pem))]
    {
        let header = json!({"alg": algorithm, "typ": "at+jwt", "kid": "kid"}).to_string();
        let id = "3f0e9b57-6a5c-4f0e-9d43-0d8a4e2f4b11";
        let (iat, exp) = (1_800_000_000, 1_800_000_600);
        let claims = json!({
            "iss": "https://a.test", "aud": "a", "sub": id, "sid": id, "jti": id,
            "iat": iat, "nbf": iat, "exp": exp,
        });
        let message = format!("{}.{}", encode(header), encode(claims.to_string()));
        let token = format!("{message}.{}", encode(key.sign(&message)));
        let forgeries = all(&token, &key);
        let names: HashSet<_> = forgeries.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), forgeries.len());
        assert!(forgeries.iter().all(|(_, forged)| *forged != token));
    }
}
