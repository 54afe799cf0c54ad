//! Forged access tokens: one valid token in, every known way of lying out (SECURITY S3–S9, §0.2 row 1).
//!
//! Most of them are signed with the *right* key. That is the point: another service with the same key, another kind of token or a
//! leaked sample key can make them, and then only `iss`, `aud`, `typ` and exact types stand in the way.
//! The unit tests of `security/access_tokens` and the attacks over HTTP use this same list. Each name starts with the fault that
//! the service logs for it.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

/// What the service signs with.
pub enum Key {
    Hs256(Vec<u8>),
    EdDsa(Box<Ed25519KeyPair>),
}

impl Key {
    /// The secret of an HS256 service.
    pub fn hs256(secret: &str) -> Self {
        Self::Hs256(secret.as_bytes().to_vec())
    }

    /// The PKCS#8 PEM of an Ed25519 service.
    pub fn ed_dsa(pem: &str) -> Self {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        Self::EdDsa(Box::new(
            Ed25519KeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap(),
        ))
    }

    fn sign(&self, message: &str) -> Vec<u8> {
        match self {
            Self::Hs256(secret) => mac(hmac::HMAC_SHA256, secret, message),
            Self::EdDsa(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
        }
    }

    /// What anybody knows of it; with a secret, what an attacker could believe to be it.
    fn public(&self) -> Vec<u8> {
        match self {
            Self::Hs256(_) => Ed25519KeyPair::generate()
                .unwrap()
                .public_key()
                .as_ref()
                .to_vec(),
            Self::EdDsa(pair) => pair.public_key().as_ref().to_vec(),
        }
    }
}

fn mac(algorithm: hmac::Algorithm, secret: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes())
        .as_ref()
        .to_vec()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token under attack: its parts, and the pen to sign a change with the right key.
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
        Self {
            key,
            header: part(0),
            claims: part(1),
            token,
        }
    }

    /// Header and claims as given, rightly signed.
    pub fn sign_raw(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        format!("{message}.{}", encode(self.key.sign(&message)))
    }

    fn json(map: &Map<String, Value>) -> String {
        Value::Object(map.clone()).to_string()
    }

    /// One header parameter set (null takes it out), rightly signed.
    pub fn header(&self, name: &str, value: Value) -> String {
        self.sign_raw(
            &Self::json(&with(&self.header, name, value)),
            &Self::json(&self.claims),
        )
    }

    /// One claim set (null takes it out), rightly signed.
    pub fn claim(&self, name: &str, value: Value) -> String {
        self.claims(&[(name, value)])
    }

    /// Several claims set, rightly signed.
    pub fn claims(&self, changes: &[(&str, Value)]) -> String {
        let claims = changes
            .iter()
            .fold(self.claims.clone(), |claims, (name, value)| {
                with(&claims, name, value.clone())
            });
        self.sign_raw(&Self::json(&self.header), &Self::json(&claims))
    }

    /// Header parameters set, the claims as they are, and a signature of one's own making.
    fn signed_by(&self, changes: &[(&str, Value)], sign: impl Fn(&str) -> Vec<u8>) -> String {
        let header = changes
            .iter()
            .fold(self.header.clone(), |header, (name, value)| {
                with(&header, name, value.clone())
            });
        let message = format!(
            "{}.{}",
            encode(Self::json(&header)),
            encode(Self::json(&self.claims))
        );
        format!("{message}.{}", encode(sign(&message)))
    }

    /// A time claim of the valid token.
    pub fn time(&self, name: &str) -> i64 {
        self.claims.get(name).and_then(Value::as_i64).unwrap()
    }

    fn text(&self, name: &str) -> String {
        self.claims
            .get(name)
            .and_then(Value::as_str)
            .unwrap()
            .to_owned()
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

/// Every forgery made of this valid token, which should be fresh: its `iat` is taken for now.
pub fn all(token: &str, key: &Key) -> Vec<(&'static str, String)> {
    let forger = Forger::new(token, key);
    [
        no_signature(&forger),
        other_algorithm(&forger),
        public_key_as_secret(&forger),
        header_tricks(&forger),
        who_and_for_whom(&forger),
        time(&forger),
        shape(&forger),
    ]
    .concat()
}

/// S3. `none` in four spellings, with no signature, a junk one, a right one; and the signature left out.
fn no_signature(forger: &Forger<'_>) -> Vec<(&'static str, String)> {
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
        (
            "algorithm: none, right signature",
            forger.header("alg", json!("none")),
        ),
        ("malformed: none, two parts", two_parts(none("none", b""))),
        (
            "malformed: signature and its dot left out",
            two_parts(forger.token.to_owned()),
        ),
        (
            "signature: left out",
            format!("{}.", two_parts(forger.token.to_owned())),
        ),
        ("signature: of another token", {
            let other = forger.claim("jti", json!("00000000-0000-4000-8000-000000000000"));
            format!(
                "{}.{}",
                two_parts(forger.token.to_owned()),
                other.rsplit_once('.').unwrap().1
            )
        }),
        (
            "signature: zeroes",
            format!("{}.{}", two_parts(forger.token.to_owned()), encode([0; 64])),
        ),
        ("signature: cut short", {
            let signature = forger.key.sign(&two_parts(forger.token.to_owned()));
            format!(
                "{}.{}",
                two_parts(forger.token.to_owned()),
                encode(&signature[..16])
            )
        }),
    ]
}

/// S4. The key is right and the header names another algorithm, none, or several.
fn other_algorithm(forger: &Forger<'_>) -> Vec<(&'static str, String)> {
    let secret = match forger.key {
        Key::Hs256(secret) => secret.clone(),
        Key::EdDsa(pair) => pair.public_key().as_ref().to_vec(),
    };
    let by_mac = |name: &str, algorithm| {
        forger.signed_by(&[("alg", json!(name))], |message| {
            mac(algorithm, &secret, message)
        })
    };
    let other = match forger.key {
        Key::Hs256(_) => "EdDSA",
        Key::EdDsa(_) => "HS256",
    };
    let own = forger.header.get("alg").cloned().unwrap();
    vec![
        (
            "algorithm: HS384 by its own rule",
            by_mac("HS384", hmac::HMAC_SHA384),
        ),
        (
            "algorithm: HS512 by its own rule",
            by_mac("HS512", hmac::HMAC_SHA512),
        ),
        (
            "algorithm: HS384 in the header only",
            forger.header("alg", json!("HS384")),
        ),
        (
            "algorithm: HS512 in the header only",
            forger.header("alg", json!("HS512")),
        ),
        ("algorithm: ES256", forger.header("alg", json!("ES256"))),
        ("algorithm: PS256", forger.header("alg", json!("PS256"))),
        ("algorithm: RS256", forger.header("alg", json!("RS256"))),
        (
            "algorithm: the one that is not configured",
            forger.header("alg", json!(other)),
        ),
        ("algorithm: missing", forger.header("alg", Value::Null)),
        (
            "algorithm: null",
            forger.sign_raw(
                r#"{"alg":null,"typ":"at+jwt"}"#,
                &Forger::json(&forger.claims),
            ),
        ),
        (
            "algorithm: a list with the right one",
            forger.header("alg", json!([own])),
        ),
        (
            "algorithm: an object",
            forger.header("alg", json!({"name": own})),
        ),
        (
            "algorithm: lower case",
            forger.header("alg", json!(own.as_str().unwrap().to_lowercase())),
        ),
        (
            "algorithm: a space after it",
            forger.header("alg", json!(format!("{} ", own.as_str().unwrap()))),
        ),
    ]
}

/// S5. HS256 with the public key as the secret, in each form that an attacker has it.
fn public_key_as_secret(forger: &Forger<'_>) -> Vec<(&'static str, String)> {
    // With HS256 configured, the header is right and the secret is wrong; with EdDSA, the header already gives it away.
    let raw = forger.key.public();
    // SubjectPublicKeyInfo of an Ed25519 key: this head, then the 32 bytes (RFC 8410).
    let head = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    let der = [&head[..], &raw].concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
        STANDARD.encode(&der)
    );
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(&raw));
    let thumbprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, jwk.as_bytes());
    let by = |secret: &[u8]| {
        forger.signed_by(&[("alg", json!("HS256"))], |message| {
            mac(hmac::HMAC_SHA256, secret, message)
        })
    };
    let hs256_is_configured = matches!(forger.key, Key::Hs256(_));
    let named = |of_secret, of_pair| {
        if hs256_is_configured {
            of_secret
        } else {
            of_pair
        }
    };
    vec![
        (
            named("signature: PEM as secret", "algorithm: PEM as secret"),
            by(pem.as_bytes()),
        ),
        (
            named(
                "signature: PEM and newline as secret",
                "algorithm: PEM and newline as secret",
            ),
            by(format!("{pem}\n").as_bytes()),
        ),
        (
            named("signature: DER as secret", "algorithm: DER as secret"),
            by(&der),
        ),
        (
            named(
                "signature: raw key as secret",
                "algorithm: raw key as secret",
            ),
            by(&raw),
        ),
        (
            named("signature: JWK as secret", "algorithm: JWK as secret"),
            by(jwk.as_bytes()),
        ),
        (
            named(
                "signature: thumbprint as secret",
                "algorithm: thumbprint as secret",
            ),
            by(thumbprint.as_ref()),
        ),
        (
            named(
                "signature: thumbprint text as secret",
                "algorithm: thumbprint text as secret",
            ),
            by(encode(thumbprint).as_bytes()),
        ),
        (
            named("signature: empty secret", "algorithm: empty secret"),
            by(b""),
        ),
        (
            named("signature: sample secret", "algorithm: sample secret"),
            by(b"secret"),
        ),
    ]
}

/// ASVS 9.1.3, 9.2.2. Keys from the token itself, `kid` as a path or a query, another type, `crit`.
fn header_tricks(forger: &Forger<'_>) -> Vec<(&'static str, String)> {
    let thief = Ed25519KeyPair::generate().unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(thief.public_key())});
    let theirs = |name: &str, value: Value| {
        let changes = [("alg", json!("EdDSA")), (name, value)];
        forger.signed_by(&changes, |message| {
            thief.sign(message.as_bytes()).as_ref().to_vec()
        })
    };
    let own_key = |name, value| match forger.key {
        Key::Hs256(_) => ("algorithm: a key of its own", theirs(name, value)),
        Key::EdDsa(_) => ("header: a key of its own", theirs(name, value)),
    };
    let header = |name, value| forger.header(name, value);
    let repeated = |extra: &str| {
        let header = Forger::json(&forger.header);
        forger.sign_raw(
            &format!("{{{extra},{}", &header[1..]),
            &Forger::json(&forger.claims),
        )
    };
    vec![
        own_key("jwk", jwk.clone()),
        ("header: jwk", header("jwk", jwk)),
        (
            "header: jku",
            header("jku", json!("https://evil.example/jwks.json")),
        ),
        (
            "header: x5u",
            header("x5u", json!("https://evil.example/cert.pem")),
        ),
        ("header: x5c", header("x5c", json!(["MIIB"]))),
        ("header: x5t", header("x5t", json!("AAAA"))),
        (
            "header: crit, unknown",
            header("crit", json!(["exp-in-milliseconds"])),
        ),
        ("header: crit, empty", header("crit", json!([]))),
        ("header: crit null", repeated(r#""crit":null"#)),
        ("header: b64", header("b64", json!(false))),
        ("header: zip", header("zip", json!("DEF"))),
        ("header: cty", header("cty", json!("JWT"))),
        ("header: unknown", header("x-role", json!("admin"))),
        ("malformed: alg twice", repeated(r#""alg":"none""#)),
        (
            "malformed: kid twice",
            repeated(r#""kid":"../../dev/null""#),
        ),
        ("unknown_key: kid missing", header("kid", Value::Null)),
        ("unknown_key: kid empty", header("kid", json!(""))),
        (
            "unknown_key: kid a path",
            header("kid", json!("../../../../dev/null")),
        ),
        (
            "unknown_key: kid a file",
            header("kid", json!("/proc/sys/kernel/randomize_va_space")),
        ),
        (
            "unknown_key: kid a query",
            header("kid", json!("x' union select 'secret' --")),
        ),
        (
            "unknown_key: kid a command",
            header("kid", json!("key|whoami")),
        ),
        ("unknown_key: kid a number", header("kid", json!(0))),
        (
            "unknown_key: kid a list",
            header("kid", json!([forger.header.get("kid")])),
        ),
        ("type: missing", header("typ", Value::Null)),
        ("type: JWT", header("typ", json!("JWT"))),
        (
            "type: another kind of ours",
            header("typ", json!("mail+jwt")),
        ),
        (
            "type: the long form",
            header("typ", json!("application/at+jwt")),
        ),
        ("type: capitals", header("typ", json!("AT+JWT"))),
        ("type: a list", header("typ", json!(["at+jwt"]))),
    ]
}

/// S6, ASVS 9.2.3. Issuer, audience, subject, session.
fn who_and_for_whom(forger: &Forger<'_>) -> Vec<(&'static str, String)> {
    let claim = |name, value| forger.claim(name, value);
    let (iss, aud, sub, sid) = (
        forger.text("iss"),
        forger.text("aud"),
        forger.text("sub"),
        forger.text("sid"),
    );
    let repeated = |extra: &str| {
        let claims = Forger::json(&forger.claims);
        forger.sign_raw(
            &Forger::json(&forger.header),
            &format!("{{{extra},{}", &claims[1..]),
        )
    };
    vec![
        ("issuer: missing", claim("iss", Value::Null)),
        ("issuer: null", {
            let claims =
                Forger::json(&forger.claims).replace(&format!("\"iss\":\"{iss}\""), "\"iss\":null");
            forger.sign_raw(&Forger::json(&forger.header), &claims)
        }),
        ("claims: iss twice", repeated(&format!("\"iss\":\"{iss}\""))),
        ("issuer: wrong", claim("iss", json!("https://evil.example"))),
        ("issuer: empty", claim("iss", json!(""))),
        (
            "issuer: a slash after it",
            claim("iss", json!(format!("{iss}/"))),
        ),
        (
            "issuer: a space after it",
            claim("iss", json!(format!("{iss} "))),
        ),
        ("issuer: capitals", claim("iss", json!(iss.to_uppercase()))),
        (
            "issuer: a prefix",
            claim("iss", json!(&iss[..iss.len() - 1])),
        ),
        ("issuer: a number", claim("iss", json!(5))),
        (
            "issuer: a list with the right one",
            claim("iss", json!(["https://evil.example", iss])),
        ),
        (
            "issuer: a list of the right one",
            claim("iss", json!([iss])),
        ),
        ("audience: missing", claim("aud", Value::Null)),
        ("audience: wrong", claim("aud", json!("another-service"))),
        (
            "audience: a list with the right one",
            claim("aud", json!(["another-service", aud])),
        ),
        (
            "audience: a list of the right one",
            claim("aud", json!([aud])),
        ),
        ("audience: an empty list", claim("aud", json!([]))),
        ("audience: a number", claim("aud", json!(5))),
        (
            "audience: capitals",
            claim("aud", json!(aud.to_uppercase())),
        ),
        ("issuer: a second service with the same key", {
            forger.claims(&[
                ("iss", json!("https://second.example")),
                ("aud", json!("second")),
            ])
        }),
        (
            "audience: the same issuer's token for a second service",
            claim("aud", json!("second")),
        ),
        ("claims: sub missing", claim("sub", Value::Null)),
        ("claims: sub a number", claim("sub", json!(1))),
        (
            "claims: sub in capitals",
            claim("sub", json!(format!("{{{}}}", sub.to_uppercase()))),
        ),
        ("claims: sub a name", claim("sub", json!("admin"))),
        (
            "claims: sub without hyphens",
            claim("sub", json!(sub.replace('-', ""))),
        ),
        (
            "claims: sub twice",
            repeated(r#""sub":"00000000-0000-4000-8000-000000000000""#),
        ),
        ("claims: sid missing", claim("sid", Value::Null)),
        ("claims: sid a list", claim("sid", json!([sid]))),
        (
            "claims: sid a URN",
            claim("sid", json!(format!("urn:uuid:{sid}"))),
        ),
        ("claims: jti missing", claim("jti", Value::Null)),
        ("claims: jti empty", claim("jti", json!(""))),
        ("claims: jti a number", claim("jti", json!(7))),
        ("claims: unknown", claim("role", json!("admin"))),
        (
            "claims: a list",
            forger.sign_raw(&Forger::json(&forger.header), "[1]"),
        ),
        (
            "claims: a text",
            forger.sign_raw(&Forger::json(&forger.header), "\"x\""),
        ),
        (
            "claims: broken JSON",
            forger.sign_raw(&Forger::json(&forger.header), "{"),
        ),
    ]
}

/// ASVS 9.2.1. Times that are over, ahead, missing, or not whole numbers.
fn time(forger: &Forger<'_>) -> Vec<(&'static str, String)> {
    let now = forger.time("iat");
    let exp = forger.time("exp");
    let claim = |name, value| forger.claim(name, value);
    let at = |iat: i64, nbf: i64, exp: i64| {
        forger.claims(&[
            ("iat", json!(iat)),
            ("nbf", json!(nbf)),
            ("exp", json!(exp)),
        ])
    };
    vec![
        (
            "expired: one second beyond the leeway",
            at(now - 66, now - 66, now - 6),
        ),
        (
            "expired: thirty seconds ago",
            at(now - 90, now - 90, now - 30),
        ),
        ("expired: in 1970", at(0, 0, 1)),
        ("claims: exp missing", claim("exp", Value::Null)),
        ("claims: exp a text", claim("exp", json!(exp.to_string()))),
        ("claims: exp a float", claim("exp", json!(exp as f64 + 0.5))),
        ("claims: exp a whole float", claim("exp", json!(exp as f64))),
        ("claims: exp negative", claim("exp", json!(-1))),
        ("claims: exp a list", claim("exp", json!([exp]))),
        ("claims: exp true", claim("exp", json!(true))),
        ("claims: exp beyond 64 bits", {
            let claims =
                Forger::json(&forger.claims).replace(&format!("\"exp\":{exp}"), "\"exp\":1e300");
            forger.sign_raw(&Forger::json(&forger.header), &claims)
        }),
        (
            "claims: exp the largest unsigned number",
            claim("exp", json!(u64::MAX)),
        ),
        (
            "lifetime: exp the largest signed number",
            claim("exp", json!(i64::MAX)),
        ),
        (
            "lifetime: exp in milliseconds",
            claim("exp", json!(exp * 1_000)),
        ),
        (
            "lifetime: a second longer than we give",
            claim("exp", json!(exp + 1)),
        ),
        ("lifetime: ends before it begins", at(now, now, now - 1)),
        ("claims: nbf missing", claim("nbf", Value::Null)),
        ("claims: nbf a text", claim("nbf", json!(now.to_string()))),
        ("claims: nbf negative", claim("nbf", json!(-1))),
        ("not_yet_valid: nbf ahead", claim("nbf", json!(now + 60))),
        (
            "not_yet_valid: nbf far ahead",
            claim("nbf", json!(i64::MAX)),
        ),
        ("claims: iat missing", claim("iat", Value::Null)),
        ("claims: iat a float", claim("iat", json!(now as f64))),
        ("claims: iat negative", claim("iat", json!(-now))),
        ("not_yet_valid: iat ahead", at(now + 60, now, exp)),
        (
            "lifetime: kept young by a later iat",
            at(i64::MAX - 1, now, exp),
        ),
    ]
}

/// Texts that a lenient parser still reads as the token; two tokens; too much of it.
fn shape(forger: &Forger<'_>) -> Vec<(&'static str, String)> {
    let token = forger.token;
    let [header, claims, signature] =
        <[&str; 3]>::try_from(token.split('.').collect::<Vec<_>>()).unwrap();
    vec![
        ("malformed: empty", String::new()),
        ("malformed: dots", "..".into()),
        ("malformed: four parts", format!("{token}.{signature}")),
        (
            "malformed: five parts, as of an encrypted token",
            format!("{token}.{claims}.{signature}"),
        ),
        ("malformed: a dot before it", format!(".{token}")),
        (
            "malformed: a space inside",
            format!("{header}. {claims}.{signature}"),
        ),
        ("malformed: a tab after it", format!("{token}\t")),
        (
            "malformed: padding",
            format!("{header}=.{claims}.{signature}"),
        ),
        ("malformed: padding after it", format!("{token}=")),
        (
            "malformed: standard base64",
            format!("{header}.{claims}.+/{}", &signature[2..]),
        ),
        (
            "malformed: a percent escape",
            format!("{header}%2E{claims}%2E{signature}"),
        ),
        (
            "malformed: header not base64",
            format!("A.{claims}.{signature}"),
        ),
        (
            "malformed: header a list",
            forger.sign_raw(r#"["at+jwt"]"#, &Forger::json(&forger.claims)),
        ),
        (
            "malformed: header broken JSON",
            forger.sign_raw("{", &Forger::json(&forger.claims)),
        ),
        ("malformed: header and junk", {
            forger.sign_raw(
                &format!("{}x", Forger::json(&forger.header)),
                &Forger::json(&forger.claims),
            )
        }),
        (
            "malformed: too long",
            forger.claim("pad", json!("x".repeat(8_000))),
        ),
        (
            "malformed: a JSON web signature in JSON",
            json!({"payload": claims, "signature": signature}).to_string(),
        ),
        (
            "signature: header and claims changed places",
            format!("{header}.{header}.{signature}"),
        ),
    ]
}

#[test]
fn each_forgery_has_its_own_name_and_differs_from_the_token() {
    let key = Key::hs256("a secret of this test, and of no service");
    let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": "kid"}).to_string();
    let id = "3f0e9b57-6a5c-4f0e-9d43-0d8a4e2f4b11";
    let claims = json!({"iss": "https://a.test", "aud": "a", "sub": id, "sid": id, "jti": id, "iat": 1_800_000_000, "nbf": 1_800_000_000, "exp": 1_800_000_600});
    let message = format!("{}.{}", encode(header), encode(claims.to_string()));
    let token = format!("{message}.{}", encode(key.sign(&message)));
    let forgeries = all(&token, &key);
    let names: std::collections::HashSet<_> = forgeries.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), forgeries.len());
    assert!(forgeries.iter().all(|(_, forged)| *forged != token));
}
