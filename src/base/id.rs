//! Public ids: random UUIDs (version 4). An id is not a secret, so knowing it gives no access.
//! Each kind of object has its own Rust type of id, so that the compiler refuses an id of another kind.

use uuid::Uuid;

#[derive(Debug, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

/// Parses an id: 32 hexadecimal digits in five groups with hyphens, in lower or upper case (RFC 9562 §4).
/// So one id has several spellings, and counters, logs and locks must use the parsed id.
///
/// # Errors
/// [`NotAnId`] for any other text, also for the other forms that `Uuid` parses (braces, `urn:uuid:`, no hyphens).
pub fn parse(text: &str) -> Result<Uuid, NotAnId> {
    let id = Uuid::try_parse(text).map_err(|_| NotAnId)?;
    let mut buffer = Uuid::encode_buffer();
    id.hyphenated().encode_lower(&mut buffer).eq_ignore_ascii_case(text).then_some(id).ok_or(NotAnId)
}

/// Defines a type for each kind of id.
macro_rules! id_types {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(::uuid::Uuid);

        impl $name {
            #[must_use]
            #[allow(clippy::new_without_default, reason = "a random id is not a default value")]
            pub fn new() -> Self {
                Self(::uuid::Uuid::new_v4())
            }

            /// Returns the id as the database stores it.
            #[must_use]
            pub fn uuid(self) -> ::uuid::Uuid {
                self.0
            }
        }

        impl From<::uuid::Uuid> for $name {
            fn from(id: ::uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::base::id::NotAnId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::base::id::parse(text).map(Self)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }
    )+};
}
pub(crate) use id_types;

id_types! {
    /// The id of a user.
    UserId,
    /// The id of a session. A session lasts from login to logout.
    SessionId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_parsed_in_either_case_and_in_no_other_form() {
        let id = UserId::new();
        let text = id.to_string();
        assert_eq!(text.parse::<UserId>().unwrap(), id);
        assert_eq!(text.to_uppercase().parse::<UserId>().unwrap(), id);
        for other in [text.replace('-', ""), format!("{{{text}}}"), format!("urn:uuid:{text}"), format!(" {text}")] {
            assert!(other.parse::<UserId>().is_err(), "{other}");
        }
    }
}
