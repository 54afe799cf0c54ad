//! Refuses weak keys and default passwords (CWE-1391, CWE-1392; ASVS 11.2.3, 13.2.3).
//! No check can prove that a key is random. These checks find common mistakes.

/// A key needs at least the length of the output of SHA-256 (RFC 7518 §3.2).
const MIN_KEY_BYTES: usize = 32;
/// Only one of a million random keys of 32 bytes (in hexadecimal or base64) has fewer different characters than this.
const MIN_DISTINCT_CHARS: usize = 10;

/// Texts in the sample keys of tutorials, which attackers try first.
const SAMPLES: [&str; 12] = [
    "change",
    "secret",
    "sample",
    "example",
    "password",
    "default",
    "your-256-bit",
    "your-key",
    "0123456789",
    "qwerty",
    "abcdefgh",
    "strongroom",
];

/// Default passwords of databases, and passwords in tutorials.
const SAMPLE_PASSWORDS: [&str; 16] = [
    "postgres",
    "postgresql",
    "password",
    "pass",
    "changeme",
    "change-me",
    "change_me",
    "secret",
    "strongroom",
    "admin",
    "root",
    "example",
    "test",
    "123456",
    "12345678",
    "qwerty",
];

/// Returns the reason why a key is weak, or `None`.
pub(super) fn weakness(key: &str) -> Option<&'static str> {
    let lower = key.to_lowercase();
    let mut characters: Vec<char> = key.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if key.len() < MIN_KEY_BYTES {
        Some("is shorter than 32 bytes (256 bits)")
    } else if key.contains("-----BEGIN ") {
        // If the key were a public key, attackers would know it and could forge tokens (algorithm confusion).
        Some("is a PEM file instead of random text")
    } else if SAMPLES.iter().any(|sample| lower.contains(sample)) {
        Some("contains a sample value")
    } else if characters.len() < MIN_DISTINCT_CHARS || is_repeated(key.as_bytes()) || is_sequence(key.as_bytes()) {
        Some("has too little variety to be random")
    } else if key.len() < 2 * MIN_KEY_BYTES && key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Some("has fewer than 64 hexadecimal digits, which is less than 256 bits")
    } else {
        None
    }
}

/// Returns whether a database password is a known default or equals the user name.
pub(super) fn is_sample_password(user: &str, password: &str) -> bool {
    let lower = password.to_lowercase();
    lower == user.to_lowercase() || SAMPLE_PASSWORDS.contains(&lower.as_str())
}

fn is_repeated(key: &[u8]) -> bool {
    (1..=key.len() / 2).any(|period| key.iter().zip(key.iter().skip(period)).all(|(one, next)| one == next))
}

/// Returns whether most characters equal the previous character or its neighbor, as in `0123…` or `zyxw…`.
fn is_sequence(key: &[u8]) -> bool {
    let steps = key.iter().zip(key.iter().skip(1)).filter(|(one, next)| one.abs_diff(**next) <= 1).count();
    2 * steps > key.len()
}
