use std::time::Duration;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use secrecy::ExposeSecret;

use super::forgery::{self, Forger, Key};
use super::*;
use crate::config::JwtAlgorithm;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OTHER_SECRET: &str = "fedcba9876543210fedcba9876543210";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn after(seconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::seconds(seconds)
}

fn pem() -> String {
    let pair = Ed25519KeyPair::generate().unwrap();
    let der = pair.to_pkcs8v1().unwrap();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

fn settings(algorithm: JwtAlgorithm, key: &str) -> JwtSettings {
    JwtSettings {
        algorithm,
        key: key.into(),
        previous_key: None,
        issuer: "https://api.example".into(),
        audience: "strongroom".into(),
        ttl: Duration::from_secs(600),
    }
}

fn both_modes() -> [(AccessTokens, Key); 2] {
    let pem = pem();
    [
        (AccessTokens::new(&settings(JwtAlgorithm::Hs256, SECRET)).unwrap(), Key::hs256(SECRET)),
        (AccessTokens::new(&settings(JwtAlgorithm::EdDsa, &pem)).unwrap(), Key::ed_dsa(&pem)),
    ]
}

fn issue(tokens: &AccessTokens) -> String {
    let token = tokens.issue(UserId::new(), SessionId::new(), TimeDelta::days(1), now()).unwrap();
    token.expose_secret().to_owned()
}

#[test]
fn access_token_expires_no_later_than_its_session() {
    for (tokens, _) in both_modes() {
        let token = tokens.issue(UserId::new(), SessionId::new(), TimeDelta::seconds(5), now()).unwrap();
        assert_eq!(tokens.token_lifetime(TimeDelta::seconds(5)), 5);
        assert!(tokens.verify(token.expose_secret(), after(4)).is_ok());
        assert_eq!(tokens.verify(token.expose_secret(), after(8)), Err(TokenFault::Expired));
    }
}

#[test]
fn token_verifies_between_its_start_and_expiry() {
    for (tokens, _) in both_modes() {
        let (user, session) = (UserId::new(), SessionId::new());
        let token = tokens.issue(user, session, TimeDelta::days(1), now()).unwrap();
        let claims = VerifiedClaims { user, session, expires_at: after(600) };
        for seconds in [-2, 0, 599, 601] {
            assert_eq!(tokens.verify(token.expose_secret(), after(seconds)), Ok(claims), "{seconds}");
        }
        for (seconds, fault) in [
            (-3, TokenFault::NotYetValid),
            (602, TokenFault::Expired),
            (603, TokenFault::Expired),
            (1_000_000_000, TokenFault::Expired),
        ] {
            assert_eq!(tokens.verify(token.expose_secret(), after(seconds)), Err(fault), "{seconds}");
        }
    }
}

#[test]
fn every_forgery_is_rejected_with_its_fault() {
    for (tokens, key) in both_modes() {
        let token = issue(&tokens);
        assert!(tokens.verify(&token, now()).is_ok());
        let forgeries = forgery::all(&token, &key);
        assert!(forgeries.len() >= 140, "{}", forgeries.len());
        for (name, forged) in forgeries {
            let fault = tokens.verify(&forged, now()).expect_err(name);
            assert_eq!(name.split_once(':').unwrap().0, fault.code(), "{name}");
        }
    }
}

#[test]
fn forgery_helper_can_sign_a_valid_token() {
    for (tokens, key) in both_modes() {
        let token = issue(&tokens);
        let forger = Forger::new(&token, &key);
        assert!(tokens.verify(&forger.claims(&[]), now()).is_ok());
        assert!(tokens.verify(&forger.claim("exp", json!(forger.time("exp") - 1)), now()).is_ok());
    }
}

#[test]
fn altered_character_is_rejected() {
    for (tokens, _) in both_modes() {
        let token = issue(&tokens);
        for index in 0..token.len() {
            for with in ["A", "B", "g", "_", ".", ""] {
                let mut forged = token.clone();
                forged.replace_range(index..=index, with);
                assert!(forged == token || tokens.verify(&forged, now()).is_err(), "{forged}");
            }
        }
    }
}

#[test]
fn flipped_bit_in_any_part_is_rejected() {
    for (tokens, _) in both_modes() {
        let token = issue(&tokens);
        let parts: Vec<Vec<u8>> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        for part in 0..3 {
            for bit in 0..parts[part].len() * 8 {
                let mut flipped = parts.clone();
                flipped[part][bit / 8] ^= 1 << (bit % 8);
                let forged = flipped.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect::<Vec<_>>().join(".");
                assert!(tokens.verify(&forged, now()).is_err(), "part {part}, bit {bit}");
            }
        }
    }
}

#[test]
fn token_of_other_key_or_algorithm_is_rejected() {
    let [(hs256, _), (ed_dsa, _)] = both_modes();
    let other = AccessTokens::new(&settings(JwtAlgorithm::Hs256, OTHER_SECRET)).unwrap();
    assert_eq!(other.verify(&issue(&hs256), now()), Err(TokenFault::UnknownKey));
    assert_eq!(hs256.verify(&issue(&ed_dsa), now()), Err(TokenFault::Algorithm));
    assert_eq!(ed_dsa.verify(&issue(&hs256), now()), Err(TokenFault::Algorithm));
}

#[test]
fn previous_key_verifies_and_older_key_does_not() {
    let [first, second, third] = [pem(), pem(), pem()];
    let secrets = [SECRET, OTHER_SECRET, "third: 0123456789abcdef0123456789"];
    for (algorithm, keys) in
        [(JwtAlgorithm::Hs256, secrets), (JwtAlgorithm::EdDsa, [first.as_str(), second.as_str(), third.as_str()])]
    {
        let service = |key: &str, previous: Option<&str>| {
            let previous_key = previous.map(Into::into);
            AccessTokens::new(&JwtSettings { previous_key, ..settings(algorithm, key) }).unwrap()
        };
        let old = issue(&service(keys[0], None));
        let rotated = service(keys[1], Some(keys[0]));
        assert!(rotated.verify(&old, now()).is_ok());
        let new = issue(&rotated);
        assert!(service(keys[1], None).verify(&new, now()).is_ok(), "the new key signs");
        let twice = service(keys[2], Some(keys[1]));
        assert!(twice.verify(&new, now()).is_ok());
        assert_eq!(twice.verify(&old, now()), Err(TokenFault::UnknownKey));
        // This token has the `kid` of the new key, but a signature of the old key.
        let key = if algorithm == JwtAlgorithm::Hs256 { Key::hs256(keys[0]) } else { Key::ed_dsa(keys[0]) };
        let renamed = Forger::new(&old, &key).header("kid", json!(rotated.keys.kid));
        assert_eq!(rotated.verify(&renamed, now()), Err(TokenFault::Signature));
    }
}

#[test]
fn jwks_contains_only_public_ed25519_keys() {
    let [(hs256, _), _] = both_modes();
    assert_eq!(hs256.jwks(), None);
    let (new, previous) = (pem(), pem());
    let tokens = AccessTokens::new(&JwtSettings {
        previous_key: Some(previous.as_str().into()),
        ..settings(JwtAlgorithm::EdDsa, &new)
    })
    .unwrap();
    let jwks = tokens.jwks().unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    for key in keys {
        let mut names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"], "no `d`: that is the private half");
    }
    // Another service can verify a token with the published key.
    let x = URL_SAFE_NO_PAD.decode(keys[0]["x"].as_str().unwrap()).unwrap();
    let token = issue(&tokens);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let published = UnparsedPublicKey::new(&ED25519, x);
    assert!(published.verify(message.as_bytes(), &signature).is_ok());
}

#[test]
fn weak_or_mismatched_settings_are_rejected() {
    let fault = |settings: JwtSettings| AccessTokens::new(&settings).err();
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    for short in ["", "x", "secret", "changeme", &SECRET[..31]] {
        assert_eq!(fault(settings(JwtAlgorithm::Hs256, short)), Some(JwtSettingsError::ShortSecret), "{short}");
    }
    for key in [public, pem().as_str()] {
        assert_eq!(fault(settings(JwtAlgorithm::Hs256, key)), Some(JwtSettingsError::PemAsSecret));
    }
    let broken = pem().replace("BEGIN PRIVATE KEY", "BEGIN RSA PRIVATE KEY");
    for key in [public, SECRET, "", broken.as_str()] {
        assert_eq!(fault(settings(JwtAlgorithm::EdDsa, key)), Some(JwtSettingsError::NotEd25519));
    }
    let usual = || settings(JwtAlgorithm::Hs256, SECRET);
    let previous_key = |key: &str| Some(SecretString::from(key));
    assert_eq!(
        fault(JwtSettings { previous_key: previous_key(SECRET), ..usual() }),
        Some(JwtSettingsError::SameKeyTwice)
    );
    assert_eq!(
        fault(JwtSettings { previous_key: previous_key("secret"), ..usual() }),
        Some(JwtSettingsError::ShortSecret)
    );
    for seconds in [0, 3_601, u64::MAX] {
        let ttl = Duration::from_secs(seconds);
        assert_eq!(fault(JwtSettings { ttl, ..usual() }), Some(JwtSettingsError::Lifetime), "{seconds}");
    }
    assert_eq!(fault(JwtSettings { issuer: String::new(), ..usual() }), Some(JwtSettingsError::NoName));
    assert_eq!(fault(JwtSettings { audience: String::new(), ..usual() }), Some(JwtSettingsError::NoName));
}

#[test]
fn shorter_lifetime_setting_rejects_longer_tokens() {
    let token = issue(&AccessTokens::new(&settings(JwtAlgorithm::Hs256, SECRET)).unwrap());
    let ttl = Duration::from_secs(300);
    let shorter = AccessTokens::new(&JwtSettings { ttl, ..settings(JwtAlgorithm::Hs256, SECRET) }).unwrap();
    assert_eq!(shorter.verify(&token, now()), Err(TokenFault::Lifetime));
}

#[test]
fn key_id_does_not_reveal_secret() {
    let [(hs256, _), _] = both_modes();
    let plain = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, SECRET.as_bytes());
    assert_ne!(hs256.keys.kid, URL_SAFE_NO_PAD.encode(&plain.as_ref()[..16]));
    assert_eq!(hs256.keys.kid.len(), 22);
}
