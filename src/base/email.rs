//! E-mail addresses. They are normalized, so that one address cannot have two accounts:
//! - An address is trimmed and converted to lower case.
//! - An internationalized domain is converted to A-labels: `bücher.example` becomes `xn--bcher-kva.example`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The maximum length of an address in characters, before and after its domain is converted to A-labels.
pub const MAX_CHARS: usize = 100;
/// The maximum length of the part before the @ (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_PART_BYTES: usize = 64;

/// An e-mail address in ASCII and in lower case.
///
/// Homoglyphs (CWE-1007): an address with a Cyrillic "а" can look like the address of another user.
/// So only ASCII is accepted before the @. A Cyrillic letter in the domain becomes an A-label, which looks different.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEmail {
    #[error("must be an e-mail address, for example anna@example.com")]
    Malformed,
    #[error("is too long: an address has at most {MAX_CHARS} characters, {MAX_LOCAL_PART_BYTES} of them before the @")]
    TooLong,
}

impl EmailAddress {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }

    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.split('@').nth(1).unwrap_or_default()
    }

    /// Returns the address without its `+tag` (subaddress, RFC 5233), which most providers ignore.
    /// So mail budgets count both forms as one mailbox (`security/limits/mail_budgets.rs`).
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
        if text.chars().count() > MAX_CHARS || local.len() > MAX_LOCAL_PART_BYTES {
            return Err(BadEmail::TooLong);
        }
        let domain = to_a_labels(domain).ok_or(BadEmail::Malformed)?;
        if !is_local_part(local) || !is_domain(&domain) {
            return Err(BadEmail::Malformed);
        }
        let address = format!("{local}@{domain}").to_ascii_lowercase();
        if address.len() > MAX_CHARS { Err(BadEmail::TooLong) } else { Ok(Self(address)) }
    }
}

/// Converts a domain to A-labels (RFC 5890, UTS 46). An ASCII domain is returned unchanged.
/// A label that begins with `xn--` must be a valid A-label.
fn to_a_labels(domain: &str) -> Option<Cow<'_, str>> {
    let has_a_label =
        domain.split('.').any(|label| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--")));
    if domain.is_ascii() && !has_a_label {
        return Some(domain.into());
    }
    idna::domain_to_ascii_cow(domain.as_bytes(), idna::AsciiDenyList::STD3).ok()
}

/// Returns whether a text is a dot-atom (RFC 5321).
/// It contains no quotes, spaces or control characters, so it cannot inject a header into a mail (CWE-93).
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
    fn address_is_in_lower_case() {
        let address: EmailAddress = "Alice.B+x@Example.COM".parse().unwrap();
        assert_eq!(address.as_str(), "alice.b+x@example.com");
        assert_eq!((address.local_part(), address.domain()), ("alice.b+x", "example.com"));
        assert_eq!(address.mailbox(), "alice.b@example.com");
    }

    #[test]
    fn surrounding_whitespace_is_removed() {
        for text in [" a@c.example", "a@c.example ", "\ta@c.example\n", "\u{a0}a@c.example\u{3000}"] {
            assert_eq!(text.parse::<EmailAddress>().unwrap().as_str(), "a@c.example", "{text:?}");
        }
    }

    #[test]
    fn internationalized_domain_becomes_a_labels() {
        for text in
            ["anna@bücher.example", "anna@BÜCHER.example", "anna@xn--bcher-kva.example", "anna@XN--BCHER-KVA.example"]
        {
            assert_eq!(text.parse::<EmailAddress>().unwrap().as_str(), "anna@xn--bcher-kva.example", "{text}");
        }
        assert_eq!("a@ｃ．example".parse::<EmailAddress>().unwrap().as_str(), "a@c.example");
        assert_eq!("a@ex\u{430}mple.com".parse::<EmailAddress>().unwrap().as_str(), "a@xn--exmple-4nf.com");
        assert_eq!("a@r3---sn.example".parse::<EmailAddress>().unwrap().as_str(), "a@r3---sn.example");
        for text in ["a@xn--a.example", "a@xn--bcher-.example", "a@b\u{fffd}.example", "a@ü..example"] {
            assert_eq!(text.parse::<EmailAddress>(), Err(BadEmail::Malformed), "{text}");
        }
    }

    #[test]
    fn long_address_is_reported_as_too_long() {
        let of = |before: usize, after: usize| format!("{}@{}", "a".repeat(before), "b.".repeat(after / 2) + "bb");
        assert_eq!(of(64, 33).parse::<EmailAddress>().unwrap().as_str().len(), 99);
        let too_long_in_a_labels = format!("a@{}example", "\u{fc}.".repeat(40));
        for text in [of(65, 10), of(64, 36), of(1, 300), too_long_in_a_labels] {
            assert_eq!(text.parse::<EmailAddress>(), Err(BadEmail::TooLong), "{text}");
        }
    }

    #[test]
    fn malformed_address_is_refused() {
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
