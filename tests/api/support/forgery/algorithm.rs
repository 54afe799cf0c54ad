//! Tokens with forged signatures or algorithms (CWE-347, algorithm confusion).

use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Forger, Forgery, Key, encode, mac};

/// Returns tokens without a signature, with a wrong one, or with the algorithm `none`.
pub fn no_signature(forger: &Forger<'_>) -> Vec<Forgery> {
    let none = |spelling: &str, signature: &'static [u8]| {
        forger.signed_by(&[("alg", json!(spelling))], |_| signature.to_vec())
    };
    let two_parts = |token: String| token.rsplit_once('.').unwrap().0.to_owned();
    vec![
        ("algorithm: none, empty signature", none("none", b"")),
        ("algorithm: None, empty signature", none("None", b"")),
        ("algorithm: NONE, empty signature", none("NONE", b"")),
        ("algorithm: nOnE, empty signature", none("nOnE", b"")),
        ("algorithm: none, junk signature", none("none", b"junk")),
        ("algorithm: none, right signature", forger.header("alg", json!("none"))),
        ("malformed: none, two parts", two_parts(none("none", b""))),
        ("malformed: signature and its dot left out", two_parts(forger.token.to_owned())),
        ("signature: left out", format!("{}.", two_parts(forger.token.to_owned()))),
        ("signature: of another token", {
            let other = forger.claim("jti", json!("00000000-0000-4000-8000-000000000000"));
            format!("{}.{}", two_parts(forger.token.to_owned()), other.rsplit_once('.').unwrap().1)
        }),
        ("signature: zeroes", format!("{}.{}", two_parts(forger.token.to_owned()), encode([0; 64]))),
        ("signature: cut short", {
            let signature = forger.key.sign(&two_parts(forger.token.to_owned()));
            format!("{}.{}", two_parts(forger.token.to_owned()), encode(&signature[..16]))
        }),
    ]
}

/// Returns tokens with the right key, but another, an invalid, or no algorithm in the header.
pub fn other_algorithm(forger: &Forger<'_>) -> Vec<Forgery> {
    let secret = match forger.key {
        Key::Hs256(secret) => secret.clone(),
        Key::EdDsa(pair) => pair.public_key().as_ref().to_vec(),
    };
    let by_mac =
        |name: &str, algorithm| forger.signed_by(&[("alg", json!(name))], |message| mac(algorithm, &secret, message));
    let other = match forger.key {
        Key::Hs256(_) => "EdDSA",
        Key::EdDsa(_) => "HS256",
    };
    let own = forger.header.get("alg").cloned().unwrap();
    vec![
        ("algorithm: HS384 by its own rule", by_mac("HS384", hmac::HMAC_SHA384)),
        ("algorithm: HS512 by its own rule", by_mac("HS512", hmac::HMAC_SHA512)),
        ("algorithm: HS384 in the header only", forger.header("alg", json!("HS384"))),
        ("algorithm: HS512 in the header only", forger.header("alg", json!("HS512"))),
        ("algorithm: ES256", forger.header("alg", json!("ES256"))),
        ("algorithm: PS256", forger.header("alg", json!("PS256"))),
        ("algorithm: RS256", forger.header("alg", json!("RS256"))),
        ("algorithm: the one that is not configured", forger.header("alg", json!(other))),
        ("algorithm: missing", forger.header("alg", Value::Null)),
        ("algorithm: null", forger.sign_raw(r#"{"alg":null,"typ":"at+jwt"}"#, &Forger::json(&forger.claims))),
        ("algorithm: a list with the right one", forger.header("alg", json!([own]))),
        ("algorithm: an object", forger.header("alg", json!({"name": own}))),
        ("algorithm: lower case", forger.header("alg", json!(own.as_str().unwrap().to_lowercase()))),
        ("algorithm: a space after it", forger.header("alg", json!(format!("{} ", own.as_str().unwrap())))),
    ]
}

/// Returns tokens with HS256 and the public key as the secret, in all its encodings (algorithm confusion).
pub fn public_key_as_secret(forger: &Forger<'_>) -> Vec<Forgery> {
    // A service with HS256 refuses them because of the secret, and a service with EdDSA because of the algorithm.
    let raw = forger.key.public();
    // An Ed25519 key in DER (RFC 8410) consists of these bytes and the 32 bytes of the key.
    let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let der = [&head[..], &raw].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(&der));
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(&raw));
    let thumbprint = digest::digest(&digest::SHA256, jwk.as_bytes());
    let by =
        |secret: &[u8]| forger.signed_by(&[("alg", json!("HS256"))], |message| mac(hmac::HMAC_SHA256, secret, message));
    let hs256_is_configured = matches!(forger.key, Key::Hs256(_));
    let named = |of_secret, of_pair| {
        if hs256_is_configured { of_secret } else { of_pair }
    };
    vec![
        (named("signature: PEM as secret", "algorithm: PEM as secret"), by(pem.as_bytes())),
        (
            named("signature: PEM and newline as secret", "algorithm: PEM and newline as secret"),
            by(format!("{pem}\n").as_bytes()),
        ),
        (named("signature: DER as secret", "algorithm: DER as secret"), by(&der)),
        (named("signature: raw key as secret", "algorithm: raw key as secret"), by(&raw)),
        (named("signature: JWK as secret", "algorithm: JWK as secret"), by(jwk.as_bytes())),
        (named("signature: thumbprint as secret", "algorithm: thumbprint as secret"), by(thumbprint.as_ref())),
        (
            named("signature: thumbprint text as secret", "algorithm: thumbprint text as secret"),
            by(encode(thumbprint).as_bytes()),
        ),
        (named("signature: empty secret", "algorithm: empty secret"), by(b"")),
        (named("signature: sample secret", "algorithm: sample secret"), by(b"secret")),
    ]
}
