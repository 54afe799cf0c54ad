//! Which passwords may be chosen. Length, a list, and one's own name; no rule of composition, no hint, no expiry (NIST SP
//! 800-63B, ASVS 6.2).

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use secrecy::{ExposeSecret, SecretString};

use super::list;

/// Characters. A multiple of what a person types, and a bound on what is hashed.
pub const MOST_CHARS: usize = 64;
/// Checked before anything else, so that a huge input costs nothing. 64 characters of any script fit in, decomposed too: a Hangul
/// syllable takes nine bytes then.
const MAX_BYTES: usize = 1_024;

/// Why a password may not be chosen. Its owner is told: that is no secret about anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRefusal {
    TooShort { min: usize },
    TooLong,
    Common,
    Context,
}

impl fmt::Display for PasswordRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { min } => write!(f, "needs at least {min} characters"),
            Self::TooLong => write!(f, "may have at most {MOST_CHARS} characters"),
            Self::Common => f.write_str("is among the passwords that attackers try first"),
            Self::Context => f.write_str("is made of your own name, your address or ours"),
        }
    }
}

/// The password in NFC: keyboards and operating systems send one é as one code point or as two.
pub(super) fn normalize(password: &SecretString) -> SecretString {
    ComposingNormalizerBorrowed::new_nfc().normalize(password.expose_secret()).into_owned().into()
}

pub(super) fn within_cap(password: &SecretString) -> bool {
    password.expose_secret().len() <= MAX_BYTES && normalize(password).expose_secret().chars().count() <= MOST_CHARS
}

pub(super) fn check(password: &SecretString, min: usize, context: &[&str]) -> Result<(), PasswordRefusal> {
    if !within_cap(password) {
        return Err(PasswordRefusal::TooLong);
    }
    let password = normalize(password);
    let password = password.expose_secret();
    if password.chars().count() < min {
        return Err(PasswordRefusal::TooShort { min });
    }
    let folded = password.to_lowercase();
    let core = core(&folded);
    let dressed_up = core.chars().count() * 2 >= folded.chars().count() && list::contains(core);
    if is_pattern(&folded) || list::contains(&folded) || dressed_up {
        return Err(PasswordRefusal::Common);
    }
    let own = |word: &&str| is_made_of(&folded, &word.to_lowercase());
    if ["strongroom"].iter().chain(context).any(own) {
        return Err(PasswordRefusal::Context);
    }
    Ok(())
}

/// Without the digits and signs around it: `!!password2026` is `password`.
fn core(folded: &str) -> &str {
    folded.trim_matches(|c: char| !c.is_alphabetic())
}

/// One character, a run of neighbours, or a short piece again and again. No list holds them all.
fn is_pattern(folded: &str) -> bool {
    let characters: Vec<char> = folded.chars().collect();
    let follows = |one: char, next: char| u32::from(next) == u32::from(one) + 1 || (one, next) == ('9', '0');
    let pairs = || characters.iter().copied().zip(characters.iter().copied().skip(1));
    let run = pairs().all(|(one, next)| follows(one, next)) || pairs().all(|(one, next)| follows(next, one));
    let repeats =
        |period: usize| characters.iter().zip(characters.iter().skip(period)).all(|(one, later)| one == later);
    run || (1..=4).any(repeats)
}

/// The word with nothing but digits and signs around it, or the word again and again. Whole passwords, not substrings: a
/// passphrase that holds one's name somewhere is none of that name.
fn is_made_of(folded: &str, word: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    let (own, theirs) = (letters(word), letters(folded));
    own.chars().count() >= 3 && !theirs.is_empty() && theirs.replace(&own, "").is_empty()
}
