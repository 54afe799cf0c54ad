//! Password policy: length, a list of common passwords, the user's own name, and an estimate of the guesses that an
//! attacker needs. There are no composition rules, no hints and no expiry (NIST SP 800-63B, ASVS 6.2).

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use secrecy::{ExposeSecret, SecretString};
use zxcvbn::matching::patterns::MatchPattern;
use zxcvbn::zxcvbn;

use super::list;

pub const MAX_CHARS: usize = 64;
/// The maximum length of a password in bytes. It is checked first, so that very long input costs no work.
/// 64 characters of any alphabet fit. For example, a decomposed Hangul syllable has nine bytes.
const MAX_BYTES: usize = 1_024;

/// The minimum number of guesses that zxcvbn must estimate for a new password: the threshold of its best score.
///
/// If the hash has OWASP's minimum parameters, an attacker tries about 60 passwords per second and core, so 10^10
/// guesses take one core five years. zxcvbn estimates at least 10^12 guesses for 12 random characters and for any four
/// words. So no strong password is rejected. A test checks this with the files in `samples/`.
const MIN_GUESSES: u64 = 10_000_000_000;

/// The characters that zxcvbn treats as replaced letters, such as 4 for a and $ for s.
const SUBSTITUTES: &str = "4@8({[<3691!|70$5+%2";
/// A password with more than this number of different [`SUBSTITUTES`] is accepted without an estimate. zxcvbn tries all
/// combinations of replaced letters, and would take seconds instead of about 35 ms.
/// No dictionary word needs so many substitutes.
const MAX_SUBSTITUTES: usize = 10;

const ADVICE: &str = "choose four or more random words, or let a password manager make one";

/// The reason why a new password is rejected. Its message is for the user.
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
            Self::Context => write!(f, "is made of your name, your address or the name of this service: {ADVICE}"),
            Self::Guessable { parts } => {
                write!(f, "is easy to guess, because it is made of {}: {ADVICE}", parts.join(" and "))
            }
            Self::Breached => {
                write!(f, "was published in a data breach: {ADVICE}, and change it wherever else you use this one")
            }
        }
    }
}

/// Normalizes the password to NFC, because some clients send é as one code point and others as two.
pub(super) fn normalize(password: &SecretString) -> SecretString {
    ComposingNormalizerBorrowed::new_nfc().normalize(password.expose_secret()).into_owned().into()
}

pub(super) fn is_within_max_length(password: &SecretString) -> bool {
    password.expose_secret().len() <= MAX_BYTES && normalize(password).expose_secret().chars().count() <= MAX_CHARS
}

/// Runs the checks that cost little. `password` must be normalized.
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

/// Rejects a password that is easy to guess. `context` contains the name and the mail address of the user.
/// The estimate takes milliseconds, so it must not run on a thread that serves requests.
pub(super) fn estimate(password: &str, context: &[String]) -> Result<(), PasswordRefusal> {
    let substitutes = SUBSTITUTES.chars().filter(|substitute| password.contains(*substitute)).count();
    if substitutes > MAX_SUBSTITUTES {
        return Ok(());
    }
    // Remove white space, because zxcvbn does not recognize words that are separated by it.
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

/// Returns whether the list contains the password, as a whole or without digits and punctuation at its ends.
/// The list contains phrases as letters and digits only, so white space and punctuation make no difference.
fn is_listed(folded: &str) -> bool {
    let core = trim_digits_and_punctuation(folded);
    let listed = |text: &str| list::contains(text) || list::contains(&letters_and_digits(text));
    listed(folded) || (core.chars().count() * 2 >= folded.chars().count() && listed(core))
}

fn letters_and_digits(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Removes digits and punctuation at both ends: `!!password2026` becomes `password`.
fn trim_digits_and_punctuation(folded: &str) -> &str {
    folded.trim_matches(|c: char| !c.is_alphabetic())
}

/// Returns whether the password consists only of the word (once or repeatedly), digits and punctuation.
fn is_made_of(folded: &str, word: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    let (own, theirs) = (letters(word), letters(folded));
    own.chars().count() >= 3 && !theirs.is_empty() && theirs.replace(&own, "").is_empty()
}
