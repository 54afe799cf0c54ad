//! Public ids: random (UUIDv4), one type per kind of object. An id is never a secret.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The error for a text that is not an id.
#[derive(Debug, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

/// Parses an id: 32 hexadecimal digits in five groups with hyphens, in either case (RFC 9562 §4; Swift's `uuidString` writes
/// capitals). Counters, logs and locks use the parsed id, never the text, so that each id has one form there.
///
/// # Errors
/// [`NotAnId`], also for other forms that `Uuid` accepts: braces, `urn:uuid:`, no hyphens.
pub fn parse(text: &str) -> Result<Uuid, NotAnId> {
    let id = Uuid::try_parse(text).map_err(|_| NotAnId)?;
    let mut buffer = Uuid::encode_buffer();
    id.hyphenated().encode_lower(&mut buffer).eq_ignore_ascii_case(text).then_some(id).ok_or(NotAnId)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Creates a random id.
            #[must_use]
            #[allow(clippy::new_without_default, reason = "a default id would not be one")]
            pub fn new() -> Self {
                Self(Uuid::new_v4())
            }

            /// Returns the value that is stored in the database.
            #[must_use]
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// A user: owns rows and signs in.
    UserId,
    /// A session, from login to logout.
    SessionId,
    /// A customer of an owner.
    CustomerId,
    /// An invoice of an owner.
    InvoiceId,
    /// A payment on an invoice.
    PaymentId,
    /// A credit note on an invoice.
    CreditNoteId,
    /// A document of an owner.
    DocumentId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_parsed_in_either_case_and_in_no_other_form() {
        let id = InvoiceId::new();
        let text = id.to_string();
        assert_eq!(text.parse::<InvoiceId>().unwrap(), id);
        assert_eq!(text.to_uppercase().parse::<InvoiceId>().unwrap(), id);
        for other in [text.replace('-', ""), format!("{{{text}}}"), format!("urn:uuid:{text}"), format!(" {text}")] {
            assert!(other.parse::<InvoiceId>().is_err(), "{other}");
        }
    }
}
