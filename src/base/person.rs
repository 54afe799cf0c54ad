//! Texts in the profile of a user. Other users see these texts, so invisible characters are refused.
//! Mails never contain these texts. Otherwise an attacker could send spam by means of a profile.

use std::str::FromStr;

use super::text::{is_line, is_paragraph, remove_directional_marks};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadProfileText(&'static str);

/// The name of a user: one line of 1 to 100 characters, in any writing system. Directional marks are removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

/// The user's description of themselves, of at most 500 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bio(String);

impl DisplayName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Bio {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DisplayName {
    type Err = BadProfileText;

    fn from_str(text: &str) -> Result<Self, BadProfileText> {
        let text = remove_directional_marks(text);
        let fits = text.chars().count() <= 100 && is_line(&text);
        fits.then_some(Self(text))
            .ok_or(BadProfileText("must be one line of 1 to 100 characters, without control or invisible characters"))
    }
}

impl FromStr for Bio {
    type Err = BadProfileText;

    fn from_str(text: &str) -> Result<Self, BadProfileText> {
        let text = remove_directional_marks(text);
        let fits = text.chars().count() <= 500 && is_paragraph(&text);
        fits.then_some(Self(text))
            .ok_or(BadProfileText("must be text of at most 500 characters, without control or invisible characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!("👩‍👩‍👧"[..].parse::<DisplayName>().is_ok());
        assert!("😀".repeat(100).parse::<DisplayName>().is_ok());
        assert!("😀".repeat(101).parse::<DisplayName>().is_err());
        assert!("😀".repeat(500).parse::<Bio>().is_ok());
        assert!("😀".repeat(501).parse::<Bio>().is_err());
        assert!("".parse::<Bio>().is_ok());
    }

    #[test]
    fn name_is_one_visible_line() {
        for name in ["", " ", "Ann\nAdmin", "Ann\0", "a\u{200b}nna"] {
            assert!(name.parse::<DisplayName>().is_err(), "{name:?}");
        }
    }
}
