//! Signed keyset cursors, bound to user, list and filter (CWE-345, CWE-639, API1:2023).
//!
//! **Attack**: a client changes the position in a cursor, or uses a cursor of another user or another filter, to probe
//! for rows.
//! **Control**: a cursor contains the position and a MAC over owner, list, filter and position. All invalid cursors get
//! the same error. A cursor grants no access: every query also filters by owner.
//! **Limits**: the position is encoded, not encrypted. It must contain only values that the owner may read.
//! **ASVS**: 8.2.2, 15.3.7
//! **Test**: `attacks::authorization::object_level`

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::id::UserId;
use crate::base::page::Position;
use crate::http::error::{ApiError, ApiResult};
use crate::security::crypto::keys::{Keys, Purpose, Tag};

/// The maximum length of a cursor, in characters.
pub const MAX_LENGTH: usize = 512;

/// The error for a text that is not a cursor of this owner, list and filter. It does not reveal which of the three
/// differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct InvalidCursor;

/// The error for a position that cannot be encoded. The cause is a bug in the server.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// The position cannot be serialized.
    #[error("the position has no JSON form")]
    Json(#[from] serde_json::Error),
    /// The cursor would be longer than [`MAX_LENGTH`].
    #[error("the position is too long for a cursor")]
    TooLong,
}

impl From<InvalidCursor> for ApiError {
    fn from(_: InvalidCursor) -> Self {
        Self::invalid("/cursor", "is not a cursor of this list")
    }
}

impl From<CursorError> for ApiError {
    fn from(fault: CursorError) -> Self {
        Self::internal(fault)
    }
}

/// Encodes and decodes cursors.
#[derive(Clone, Debug)]
pub struct Cursors(Keys);

impl Cursors {
    /// Creates an encoder that signs with these keys.
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        Self(keys.clone())
    }

    /// Returns a cursor that continues after `position` in the list `scope` of `owner`. `filter` must differ between
    /// filters and between sort orders.
    ///
    /// # Errors
    /// [`CursorError`] if the position cannot be encoded.
    pub fn encode<T: Serialize>(
        &self,
        owner: UserId,
        scope: &str,
        filter: &str,
        position: &T,
    ) -> Result<String, CursorError> {
        let mut cursor = serde_json::to_vec(position)?;
        let tag = self.0.sign(Purpose::Cursor, &parts(owner.uuid().as_bytes(), scope, filter, &cursor));
        cursor.extend_from_slice(&tag.to_bytes());
        let text = URL_SAFE_NO_PAD.encode(cursor);
        if text.len() > MAX_LENGTH {
            return Err(CursorError::TooLong);
        }
        Ok(text)
    }

    /// Returns the position in a cursor.
    ///
    /// # Errors
    /// [`InvalidCursor`] for every invalid cursor.
    pub fn decode<T: DeserializeOwned>(
        &self,
        owner: UserId,
        scope: &str,
        filter: &str,
        cursor: &str,
    ) -> Result<T, InvalidCursor> {
        if cursor.len() > MAX_LENGTH {
            return Err(InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor)?;
        let (position, tag) = bytes.split_last_chunk::<{ Tag::LENGTH }>().ok_or(InvalidCursor)?;
        let tag = Tag::from_bytes(tag).ok_or(InvalidCursor)?;
        if !self.0.verify(Purpose::Cursor, &parts(owner.uuid().as_bytes(), scope, filter, position), &tag) {
            return Err(InvalidCursor);
        }
        serde_json::from_slice(position).map_err(|_| InvalidCursor)
    }

    /// Returns the position at which a page starts, in a list from newest to oldest. Without a cursor, this is the
    /// beginning of the list.
    ///
    /// # Errors
    /// Returns 400 for the field `cursor`. All invalid cursors get the same error.
    pub fn page_start(&self, owner: UserId, scope: &str, filter: &str, cursor: Option<&str>) -> ApiResult<Position> {
        cursor.map_or_else(|| Ok(Position::start()), |cursor| Ok(self.decode(owner, scope, filter, cursor)?))
    }
}

fn parts<'a>(owner: &'a [u8; 16], scope: &'a str, filter: &'a str, position: &'a [u8]) -> [&'a [u8]; 4] {
    [owner, scope.as_bytes(), filter.as_bytes(), position]
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Position {
        created_at: i64,
        id: uuid::Uuid,
    }

    fn cursors() -> Cursors {
        Cursors::new(&Keys::new(&vec![8; 32].into()).unwrap())
    }

    fn position() -> Position {
        Position { created_at: 1_800_000_000_000_000, id: uuid::Uuid::new_v4() }
    }

    #[test]
    fn cursor_decodes_to_its_position() {
        let (owner, position) = (UserId::new(), position());
        let cursor = cursors().encode(owner, "invoices", "status=draft", &position).unwrap();
        assert_eq!(cursors().decode(owner, "invoices", "status=draft", &cursor), Ok(position));
    }

    #[test]
    fn cursor_is_bound_to_owner_list_and_filter() {
        let owner = UserId::new();
        let cursor = cursors().encode(owner, "invoices", "status=draft", &position()).unwrap();
        let open = |owner, scope, filter| cursors().decode::<Position>(owner, scope, filter, &cursor);
        assert_eq!(open(UserId::new(), "invoices", "status=draft"), Err(InvalidCursor));
        assert_eq!(open(owner, "customers", "status=draft"), Err(InvalidCursor));
        assert_eq!(open(owner, "invoices", "status=paid"), Err(InvalidCursor));
        assert_eq!(open(owner, "invoices", ""), Err(InvalidCursor));
        // The MAC covers the boundary between list and filter.
        assert_eq!(open(owner, "invoicess", "tatus=draft"), Err(InvalidCursor));
        let others = Cursors::new(&Keys::new(&vec![9; 32].into()).unwrap());
        assert_eq!(others.decode::<Position>(owner, "invoices", "status=draft", &cursor), Err(InvalidCursor));
    }

    #[test]
    fn altered_character_is_rejected() {
        let owner = UserId::new();
        let cursor = cursors().encode(owner, "invoices", "", &position()).unwrap();
        for index in 0..cursor.len() {
            for with in ["A", "Z", "_", "=", " ", ""] {
                let mut forged = cursor.clone();
                forged.replace_range(index..=index, with);
                if forged != cursor {
                    assert_eq!(
                        cursors().decode::<Position>(owner, "invoices", "", &forged),
                        Err(InvalidCursor),
                        "{forged}"
                    );
                }
            }
        }
    }

    #[test]
    fn malformed_cursor_is_rejected() {
        let owner = UserId::new();
        let unsigned = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&position()).unwrap());
        for bad in [
            "",
            "A",
            "====",
            "null",
            "../../etc/passwd",
            "' or 1=1 --",
            &unsigned,
            &"A".repeat(513),
            &"A".repeat(1_000_000),
        ] {
            assert_eq!(cursors().decode::<Position>(owner, "invoices", "", bad), Err(InvalidCursor));
        }
        // This is a valid cursor of the list, but its position has another type.
        let cursor = cursors().encode(owner, "invoices", "", &"text").unwrap();
        assert_eq!(cursors().decode::<Position>(owner, "invoices", "", &cursor), Err(InvalidCursor));
    }

    #[test]
    fn too_long_position_is_not_encoded() {
        let cursor = cursors().encode(UserId::new(), "invoices", "", &"x".repeat(MAX_LENGTH));
        assert!(matches!(cursor, Err(CursorError::TooLong)));
    }
}
