//! Ids that a client sees: random (UUIDv4), one type per object, one spelling. An id is never a secret.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The text was not an id in its one accepted spelling.
#[derive(Debug, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

/// The id that this text spells. `Uuid` also reads upper case, braces, `urn:uuid:` and no hyphens: five names for one object,
/// each of which a limit, a log or a cache would see as another. We read the canonical one.
///
/// # Errors
/// It is none, or in another spelling.
pub fn parse(text: &str) -> Result<Uuid, NotAnId> {
    let id = Uuid::try_parse(text).map_err(|_| NotAnId)?;
    let mut buffer = Uuid::encode_buffer();
    (id.hyphenated().encode_lower(&mut buffer) == text).then_some(id).ok_or(NotAnId)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// A new random id.
            #[must_use]
            #[allow(clippy::new_without_default, reason = "a default id would not be one")]
            pub fn new() -> Self {
                Self(Uuid::new_v4())
            }

            /// The value that the database keeps.
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
    /// Who owns rows and signs in.
    UserId,
    /// One sign-in, from the password to the logout.
    SessionId,
    /// A customer of an owner.
    CustomerId,
    /// An invoice of an owner.
    InvoiceId,
    /// A payment on an invoice.
    PaymentId,
    /// A document of an owner.
    DocumentId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = InvoiceId::new().to_string();
        assert!(id.parse::<InvoiceId>().is_ok());
        for twin in
            [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), format!("urn:uuid:{id}"), format!(" {id}")]
        {
            assert!(twin.parse::<InvoiceId>().is_err(), "{twin}");
        }
    }
}
