//! Tokens with a forged header.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::{Forger, Forgery, Key, encode};

/// Returns tokens with a suspicious header (ASVS 9.1.3, 9.2.2): an embedded key, a `kid` that is a path or an SQL query
/// (injection), another `typ`, or `crit`.
pub fn header_tricks(forger: &Forger<'_>) -> Vec<Forgery> {
    let thief = Ed25519KeyPair::generate().unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(thief.public_key())});
    let theirs = |name: &str, value: Value| {
        let changes = [("alg", json!("EdDSA")), (name, value)];
        forger.signed_by(&changes, |message| thief.sign(message.as_bytes()).as_ref().to_vec())
    };
    let own_key = |name, value| match forger.key {
        Key::Hs256(_) => ("algorithm: a key of its own", theirs(name, value)),
        Key::EdDsa(_) => ("header: a key of its own", theirs(name, value)),
    };
    let header = |name, value| forger.header(name, value);
    let repeated = |extra: &str| {
        let header = Forger::json(&forger.header);
        forger.sign_raw(&format!("{{{extra},{}", &header[1..]), &Forger::json(&forger.claims))
    };
    vec![
        own_key("jwk", jwk.clone()),
        ("header: jwk", header("jwk", jwk)),
        ("header: jku", header("jku", json!("https://evil.example/jwks.json"))),
        ("header: x5u", header("x5u", json!("https://evil.example/cert.pem"))),
        ("header: x5c", header("x5c", json!(["MIIB"]))),
        ("header: x5t", header("x5t", json!("AAAA"))),
        ("header: crit, unknown", header("crit", json!(["exp-in-milliseconds"]))),
        ("header: crit, empty", header("crit", json!([]))),
        ("header: crit, its own parameter", header("crit", json!(["typ"]))),
        ("header: crit, a text", header("crit", json!("b64"))),
        ("header: crit, an object", header("crit", json!({"b64": false}))),
        ("header: crit null", repeated(r#""crit":null"#)),
        ("header: b64", header("b64", json!(false))),
        ("header: zip", header("zip", json!("DEF"))),
        ("header: cty", header("cty", json!("JWT"))),
        ("header: unknown", header("x-role", json!("admin"))),
        ("malformed: alg twice", repeated(r#""alg":"none""#)),
        ("malformed: kid twice", repeated(r#""kid":"../../dev/null""#)),
        ("unknown_key: kid missing", header("kid", Value::Null)),
        ("unknown_key: kid empty", header("kid", json!(""))),
        ("unknown_key: kid a path", header("kid", json!("../../../../dev/null"))),
        ("unknown_key: kid a file", header("kid", json!("/proc/sys/kernel/randomize_va_space"))),
        ("unknown_key: kid a query", header("kid", json!("x' union select 'secret' --"))),
        ("unknown_key: kid a command", header("kid", json!("key|whoami"))),
        ("unknown_key: kid a number", header("kid", json!(0))),
        ("unknown_key: kid a list", header("kid", json!([forger.header.get("kid")]))),
        ("type: missing", header("typ", Value::Null)),
        ("type: JWT", header("typ", json!("JWT"))),
        ("type: another kind of ours", header("typ", json!("mail+jwt"))),
        ("type: the long form", header("typ", json!("application/at+jwt"))),
        ("type: capitals", header("typ", json!("AT+JWT"))),
        ("type: a list", header("typ", json!(["at+jwt"]))),
    ]
}
