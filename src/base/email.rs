//! An e-mail address, parsed once. One spelling is one account: blanks around it are removed, letters become small, and an
//! internationalised domain becomes its A-labels (`bücher.example` is `xn--bcher-kva.example`).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// Characters, once the domain is in A-labels.
pub const MOST_CHARS: usize = 100;
/// RFC 5321 §4.5.3.1.1.
const MOST_BEFORE_THE_AT: usize = 64;

/// An address in lower case, in ASCII. A Cyrillic "а" before the @ is refused: it would make a twin of another user's address, and
/// a mail server may fold both into one mailbox. In a domain it becomes an A-label, which looks like no other domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress(String);

/// Not an address of the form that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEmail {
    #[error("must be an e-mail address, for example anna@example.com")]
    Malformed,
    #[error("is too long: an address has at most {MOST_CHARS} characters, {MOST_BEFORE_THE_AT} of them before the @")]
    TooLong,
}

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
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(BadEmail::Malformed)?;
        if text.chars().count() > MOST_CHARS || local.len() > MOST_BEFORE_THE_AT {
            return Err(BadEmail::TooLong);
        }
        let domain = in_a_labels(domain).ok_or(BadEmail::Malformed)?;
        if !is_local_part(local) || !is_domain(&domain) {
            return Err(BadEmail::Malformed);
        }
        let address = format!("{local}@{domain}").to_ascii_lowercase();
        if address.len() > MOST_CHARS { Err(BadEmail::TooLong) } else { Ok(Self(address)) }
    }
}

/// The domain as the DNS knows it (RFC 5890, UTS 46). One in ASCII stays, unless it claims to be internationalised: then it must
/// be the A-label of something.
fn in_a_labels(domain: &str) -> Option<Cow<'_, str>> {
    let claims = domain.split('.').any(|label| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--")));
    if domain.is_ascii() && !claims {
        return Some(domain.into());
    }
    idna::domain_to_ascii_cow(domain.as_bytes(), idna::AsciiDenyList::STD3).ok()
}

/// RFC 5321's dot-atom: no quotes, no spaces, no control characters, so nothing that could end a header line.
fn is_local_part(text: &str) -> bool {
    let atom = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
    };
    text.split('.').all(atom)
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
    fn blanks_around_an_address_are_no_part_of_it() {
        for text in [" a@c.example", "a@c.example ", "\ta@c.example\n", "\u{a0}a@c.example\u{3000}"] {
            assert_eq!(text.parse::<EmailAddress>().unwrap().as_str(), "a@c.example", "{text:?}");
        }
    }

    #[test]
    fn internationalised_domain_has_one_spelling() {
        for text in
            ["anna@bücher.example", "anna@BÜCHER.example", "anna@xn--bcher-kva.example", "anna@XN--BCHER-KVA.example"]
        {
            assert_eq!(text.parse::<EmailAddress>().unwrap().as_str(), "anna@xn--bcher-kva.example", "{text}");
        }
        assert_eq!("a@ｃ．example".parse::<EmailAddress>().unwrap().as_str(), "a@c.example");
        // A Cyrillic letter: another domain, and it looks like one.
        assert_eq!("a@ex\u{430}mple.com".parse::<EmailAddress>().unwrap().as_str(), "a@xn--exmple-4nf.com");
        assert_eq!("a@r3---sn.example".parse::<EmailAddress>().unwrap().as_str(), "a@r3---sn.example");
        for text in ["a@xn--a.example", "a@xn--bcher-.example", "a@b\u{fffd}.example", "a@ü..example"] {
            assert_eq!(text.parse::<EmailAddress>(), Err(BadEmail::Malformed), "{text}");
        }
    }

    #[test]
    fn long_address_is_too_long_and_not_malformed() {
        let of = |before: usize, after: usize| format!("{}@{}", "a".repeat(before), "b.".repeat(after / 2) + "bb");
        assert_eq!(of(64, 33).parse::<EmailAddress>().unwrap().as_str().len(), 99);
        let in_letters_below = format!("a@{}example", "\u{fc}.".repeat(40));
        for text in [of(65, 10), of(64, 36), of(1, 300), in_letters_below] {
            assert_eq!(text.parse::<EmailAddress>(), Err(BadEmail::TooLong), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "a",
            "@b.example",
            "a@",
            "a@b",
            "a@b@c.example",
            "a b@c.example",
            "a@c.example\r\nBcc: x@y.example",
            "a@c.example\nb",
            "a @c.example",
            "a@ c.example",
            "a..b@c.example",
            ".a@c.example",
            "\"a\"@c.example",
            "a@-c.example",
            "a@c..example",
            "a@127.0.0.1",
            "a@[127.0.0.1]",
            "\u{430}lice@example.com",
            "<a@c.example>",
            "a@c.example,b@c.example",
            "a\0@c.example",
        ] {
            assert_eq!(text.parse::<EmailAddress>(), Err(BadEmail::Malformed), "{text:?}");
        }
    }
}
