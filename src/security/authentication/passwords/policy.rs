//! Password policy: length, a list of common passwords, the user's own name, and an estimate of guesses. There are no composition
//! rules, no hints and no expiry (NIST SP 800-63B, ASVS 6.2).

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use secrecy::{ExposeSecret, SecretString};
use zxcvbn::matching::patterns::MatchPattern;
use zxcvbn::zxcvbn;

use super::list;

/// The maximum length in characters.
pub const MAX_CHARS: usize = 64;
/// Checked first, so that long input costs nothing. 64 characters of any script fit, also decomposed: a decomposed Hangul
/// syllable has nine bytes.
const MAX_BYTES: usize = 1_024;

/// Passwords with a lower estimate of guesses are rejected. 10^10 is the threshold of zxcvbn's best score.
///
/// With OWASP's minimum parameters, argon2 allows about 60 guesses per second and core: 10^10 guesses take one core five years.
/// zxcvbn estimates 10^12 for 12 random characters, and at least 10^12 for any four words (it adds 10,000^3 for four parts), so
/// no good password is rejected. A test checks this with the files in `samples/`.
const MIN_GUESSES: u64 = 10_000_000_000;

/// Characters that zxcvbn treats as substituted letters: 4 for a, $ for s.
const SUBSTITUTES: &str = "4@8({[<3691!|70$5+%2";
/// zxcvbn tries all combinations of substitutes: this takes seconds for a password with all of them, about 35 ms with ten.
/// Dictionary words with substitutes have fewer.
const MAX_SUBSTITUTES: usize = 10;

const ADVICE: &str = "choose four or more random words, or let a password manager make one";

/// Why a new password is rejected. The text is for the user and reveals nothing about other users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordRefusal {
    TooShort { min: usize },
    TooLong,
    Common,
    Context,
    Guessable { parts: Vec<&'static str> },
    Breached,
}

impl fmt::Display for PasswordRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { min } => write!(f, "needs at least {min} characters"),
            Self::TooLong => write!(f, "may have at most {MAX_CHARS} characters"),
            Self::Common => write!(f, "is among the passwords that attackers try first: {ADVICE}"),
            Self::Context => write!(f, "is made of your own name, your address or ours: {ADVICE}"),
            Self::Guessable { parts } => {
                write!(f, "is easy to guess, because it is made of {}: {ADVICE}", parts.join(" and "))
            }
            Self::Breached => {
                write!(f, "was published in a data breach: {ADVICE}, and change it wherever else you use this one")
            }
        }
    }
}

/// Returns the password in NFC: clients send é as one code point or as two.
pub(super) fn normalize(password: &SecretString) -> SecretString {
    ComposingNormalizerBorrowed::new_nfc().normalize(password.expose_secret()).into_owned().into()
}

pub(super) fn is_within_max_length(password: &SecretString) -> bool {
    password.expose_secret().len() <= MAX_BYTES && normalize(password).expose_secret().chars().count() <= MAX_CHARS
}

/// Runs the cheap checks: length, list, own name. `password` must be normalized.
pub(super) fn check(password: &str, min: usize, context: &[String]) -> Result<(), PasswordRefusal> {
    let characters = password.chars().count();
    if characters > MAX_CHARS {
        return Err(PasswordRefusal::TooLong);
    }
    if characters < min {
        return Err(PasswordRefusal::TooShort { min });
    }
    let folded = password.to_lowercase();
    if is_listed(&folded) {
        return Err(PasswordRefusal::Common);
    }
    let own = |word: &str| is_made_of(&folded, &word.to_lowercase());
    if own("strongroom") || context.iter().any(|word| own(word)) {
        return Err(PasswordRefusal::Context);
    }
    Ok(())
}

/// Rejects passwords that are easy to guess. `context`: the user's own name and address. It takes milliseconds, so it must not
/// run on a thread that serves requests.
pub(super) fn estimate(password: &str, context: &[String]) -> Result<(), PasswordRefusal> {
    let substitutes = SUBSTITUTES.chars().filter(|substitute| password.contains(*substitute)).count();
    if substitutes > MAX_SUBSTITUTES {
        return Ok(());
    }
    // zxcvbn does not recognise words that are separated by white space.
    let joined: String = password.split_whitespace().collect();
    let own: Vec<&str> = context.iter().flat_map(|text| words(text)).chain(["strongroom"]).collect();
    let estimate = zxcvbn(&joined, &own);
    if estimate.guesses() >= MIN_GUESSES {
        return Ok(());
    }
    let mut parts: Vec<_> = estimate.sequence().iter().filter_map(|part| name(&part.pattern)).collect();
    parts.sort_unstable();
    parts.dedup();
    if parts.is_empty() {
        parts.push("very few different characters");
    }
    Err(PasswordRefusal::Guessable { parts })
}

/// Returns the text and each of its words.
fn words(text: &str) -> impl Iterator<Item = &str> {
    std::iter::once(text).chain(text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= 3))
}

fn name(pattern: &MatchPattern) -> Option<&'static str> {
    match pattern {
        MatchPattern::Dictionary(_) => Some("common words or names"),
        MatchPattern::Spatial(_) => Some("neighbouring keys"),
        MatchPattern::Repeat(_) => Some("repetitions"),
        MatchPattern::Sequence(_) => Some("sequences"),
        MatchPattern::Regex(_) | MatchPattern::Date(_) => Some("dates or years"),
        MatchPattern::BruteForce => None,
    }
}

/// Whether the password is listed, as a whole or without surrounding digits and punctuation. Phrases are listed as letters and
/// digits only, so that white space and punctuation make no difference.
fn is_listed(folded: &str) -> bool {
    let core = core(folded);
    let listed = |text: &str| list::contains(text) || list::contains(&letters_and_digits(text));
    listed(folded) || (core.chars().count() * 2 >= folded.chars().count() && listed(core))
}

fn letters_and_digits(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Removes surrounding digits and punctuation: `!!password2026` becomes `password`.
fn core(folded: &str) -> &str {
    folded.trim_matches(|c: char| !c.is_alphabetic())
}

/// Whether the password consists of the word, repeated or not, apart from digits and punctuation. A passphrase that contains the
/// word among others is accepted.
fn is_made_of(folded: &str, word: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    let (own, theirs) = (letters(word), letters(folded));
    own.chars().count() >= 3 && !theirs.is_empty() && theirs.replace(&own, "").is_empty()
}
