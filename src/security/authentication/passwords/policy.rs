//! Which passwords may be chosen: by length, a list, the user's own name, and an estimate of guesses. There is no rule of
//! composition, no hint and no expiry (NIST SP 800-63B, ASVS 6.2).

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use secrecy::{ExposeSecret, SecretString};
use zxcvbn::matching::patterns::MatchPattern;
use zxcvbn::zxcvbn;

use super::list;

/// Characters. A multiple of what a person types, and a bound on what is hashed.
pub const MOST_CHARS: usize = 64;
/// Checked before anything else, so that a huge input costs nothing. 64 characters of any script fit in, decomposed too: a Hangul
/// syllable takes nine bytes then.
const MAX_BYTES: usize = 1_024;

/// Passwords that an attacker is estimated to find within so many guesses are refused. 10^10 is the border of zxcvbn's best score.
///
/// At OWASP's floor, argon2 allows about 60 guesses a second and core, so 10^10 guesses take five years of one core. The border
/// refuses no good password of the shortest length: zxcvbn gives 12 random characters 10^12, and four words at least 10^12
/// (it adds 10,000^3 for four parts), whichever words they are. The samples in `samples/` hold this.
const MIN_GUESSES: u64 = 10_000_000_000;

/// What zxcvbn takes for a letter in disguise: 4 for a, $ for s.
const SUBSTITUTES: &str = "4@8({[<3691!|70$5+%2";
/// zxcvbn tries all combinations of the substitutes that occur: seconds for a password with all of them, some 35 ms with ten. A
/// word in disguise has fewer.
const MAX_SUBSTITUTES: usize = 10;

const ADVICE: &str = "choose four or more random words, or let a password manager make one";

/// Why a password may not be chosen. The user is told; it says nothing about other users.
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
            Self::TooLong => write!(f, "may have at most {MOST_CHARS} characters"),
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

/// The password in NFC: keyboards and operating systems send one é as one code point or as two.
pub(super) fn normalize(password: &SecretString) -> SecretString {
    ComposingNormalizerBorrowed::new_nfc().normalize(password.expose_secret()).into_owned().into()
}

pub(super) fn within_cap(password: &SecretString) -> bool {
    password.expose_secret().len() <= MAX_BYTES && normalize(password).expose_secret().chars().count() <= MOST_CHARS
}

/// The checks that cost nothing: length, list, own name. `password` is normalized.
pub(super) fn check(password: &str, min: usize, context: &[String]) -> Result<(), PasswordRefusal> {
    let characters = password.chars().count();
    if characters > MOST_CHARS {
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

/// Refuses what is guessed too soon. `context`: the user's own name and address. It takes milliseconds, so it does not belong on
/// a thread that serves requests.
pub(super) fn estimate(password: &str, context: &[String]) -> Result<(), PasswordRefusal> {
    let substitutes = SUBSTITUTES.chars().filter(|substitute| password.contains(*substitute)).count();
    if substitutes > MAX_SUBSTITUTES {
        return Ok(());
    }
    // White space between words hides them from zxcvbn, and adds nothing to guess.
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

/// The text, and its words.
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

/// Whether the list has the password, or the words that most of it consists of. Phrases are listed as letters and digits alone, so
/// that white space and punctuation make no difference.
fn is_listed(folded: &str) -> bool {
    let core = core(folded);
    let listed = |text: &str| list::contains(text) || list::contains(&letters_and_digits(text));
    listed(folded) || (core.chars().count() * 2 >= folded.chars().count() && listed(core))
}

fn letters_and_digits(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Without the digits and signs around it: `!!password2026` is `password`.
fn core(folded: &str) -> &str {
    folded.trim_matches(|c: char| !c.is_alphabetic())
}

/// The word with nothing but digits and signs around it, or the word again and again. Whole passwords, not substrings: a
/// passphrase that holds one's name somewhere is none of that name.
fn is_made_of(folded: &str, word: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    let (own, theirs) = (letters(word), letters(folded));
    own.chars().count() >= 3 && !theirs.is_empty() && theirs.replace(&own, "").is_empty()
}
