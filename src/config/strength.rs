//! Whether a key could be guessed. No test of a text can prove it random; these refuse what people really use instead
//! (ASVS 11.2.3, 13.2.3).

/// As long as the output of SHA-256 (RFC 7518 §3.2).
const SHORTEST_KEY: usize = 32;
/// Different characters. 32 random bytes, in hexadecimal or base64, have fewer about once in a million.
const LEAST_VARIETY: usize = 10;

/// Texts that stand in samples, tutorials and word lists, and so in attackers' lists.
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

/// Passwords of databases that everybody tries first.
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

/// Why a key could be guessed.
pub(super) fn weakness(key: &str) -> Option<&'static str> {
    let lower = key.to_lowercase();
    let mut characters: Vec<char> = key.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if key.len() < SHORTEST_KEY {
        Some("is shorter than 32 bytes (256 bits)")
    } else if key.contains("-----BEGIN ") {
        // A public key as the HMAC secret is the RS→HS confusion by one's own hand.
        Some("is a PEM file, where random text is needed")
    } else if SAMPLES.iter().any(|sample| lower.contains(sample)) {
        Some("looks like a sample value")
    } else if characters.len() < LEAST_VARIETY || is_repeated(key.as_bytes()) || is_a_row(key.as_bytes()) {
        Some("has too little variety to be random")
    } else if key.len() < 2 * SHORTEST_KEY && key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Some("has fewer than 64 hexadecimal digits, which is less than 256 bits")
    } else {
        None
    }
}

/// Whether a database's password is one that everybody tries first, or the user's own name.
pub(super) fn is_sample_password(user: &str, password: &str) -> bool {
    let lower = password.to_lowercase();
    lower == user.to_lowercase() || SAMPLE_PASSWORDS.contains(&lower.as_str())
}

/// Whether it is one shorter text again and again.
fn is_repeated(key: &[u8]) -> bool {
    (1..=key.len() / 2).any(|period| key.iter().zip(key.iter().skip(period)).all(|(one, next)| one == next))
}

/// Whether most characters follow from the one before: `0123…`, `zyxw…`.
fn is_a_row(key: &[u8]) -> bool {
    let steps = key.iter().zip(key.iter().skip(1)).filter(|(one, next)| one.abs_diff(**next) <= 1).count();
    2 * steps > key.len()
}
