//! An e-mail address, parsed once. One spelling is one account.

use std::fmt;
use std::str::FromStr;

/// Characters.
pub const MOST_CHARS: usize = 100;

/// An address in lower case. ASCII only: a Cyrillic "а" in a name or a domain would make a twin of somebody else's address
/// that nobody can tell apart, and a mail server may fold both into one mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress(String);

/// Not an address of the form that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an e-mail address")]
pub struct BadEmail;

impl EmailAddress {
    /// The address, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the @.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }

    /// What stands after the @.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.split('@').nth(1).unwrap_or_default()
    }

    /// The address without its `+tag` (subaddress, RFC 5233), which most providers deliver to the same mailbox.
    #[must_use]
    pub fn mailbox(&self) -> String {
        let user = self.local_part().split('+').next().unwrap_or_default();
        format!("{user}@{}", self.domain())
    }
}

impl FromStr for EmailAddress {
    type Err = BadEmail;

    fn from_str(text: &str) -> Result<Self, BadEmail> {
        let (local, domain) = text.split_once('@').ok_or(BadEmail)?;
        let fits = text.len() <= MOST_CHARS && is_local_part(local) && is_domain(domain);
        fits.then(|| Self(text.to_ascii_lowercase())).ok_or(BadEmail)
    }
}

/// RFC 5321's dot-atom: no quotes, no spaces, no control characters, so nothing that could end a header line.
fn is_local_part(text: &str) -> bool {
    let atom = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
    };
    text.len() <= 64 && text.split('.').all(atom)
}

fn is_domain(text: &str) -> bool {
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let ends_in_letters = text.rsplit('.').next().is_some_and(|last| last.chars().any(|c| c.is_ascii_alphabetic()));
    text.contains('.') && text.split('.').all(label) && ends_in_letters
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_spelling() {
        let address: EmailAddress = "Alice.B+x@Example.COM".parse().unwrap();
        assert_eq!(address.as_str(), "alice.b+x@example.com");
        assert_eq!((address.local_part(), address.domain()), ("alice.b+x", "example.com"));
        assert_eq!(address.mailbox(), "alice.b@example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(60)) + &".x".repeat(20);
        for text in [
            "",
            "a",
            "@b.example",
            "a@",
            "a@b",
            "a@b@c.example",
            "a b@c.example",
            "a@c.example\r\nBcc: x@y.example",
            "a@c.example\n",
            "a..b@c.example",
            ".a@c.example",
            "\"a\"@c.example",
            "a@-c.example",
            "a@c..example",
            "a@127.0.0.1",
            "a@[127.0.0.1]",
            "\u{430}lice@example.com",
            "alice@ex\u{430}mple.com",
            "<a@c.example>",
            "a@c.example,b@c.example",
            "a\0@c.example",
            &long,
        ] {
            assert_eq!(text.parse::<EmailAddress>(), Err(BadEmail), "{text:?}");
        }
    }
}
