//! Cursors that cannot be written, changed, or carried to another list.
//!
//! **Attack**: a client edits the position in a cursor to walk where it should not, brings a cursor of another user, or one that was
//! made under another filter (and so skips or repeats rows, or probes what exists).
//! **Control**: the cursor is the position and a MAC
//! over owner, list, filter and position; whatever does not fit gets one refusal.
//! **Limits**: reading it. The position is encoded, not encrypted, so it may hold only what its owner sees anyway. The owner
//! condition stands in the query in any case; a cursor grants nothing.
//! **ASVS**: 8.2.2, 15.3.7 · **Test**: `attacks::authorization::object_level`

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::id::UserId;
use crate::base::page::Position;
use crate::http::error::{ApiError, ApiResult};
use crate::security::crypto::keys::{Keys, Purpose, Tag};

/// The longest cursor, in characters: many times a date and an id, and little enough to look at.
pub const LONGEST: usize = 512;

/// Not a cursor of this owner, list and filter. Which of them does not fit is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct BadCursor;

/// The position cannot be put into a cursor: a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum Unsealable {
    /// It has no JSON form.
    #[error("the position has no JSON form")]
    Json(#[from] serde_json::Error),
    /// Its cursor would be longer than [`LONGEST`], and be refused on its return.
    #[error("the position is too long for a cursor")]
    TooLong,
}

impl From<BadCursor> for ApiError {
    fn from(_: BadCursor) -> Self {
        Self::invalid("/cursor", "is not a cursor of this list")
    }
}

impl From<Unsealable> for ApiError {
    fn from(fault: Unsealable) -> Self {
        Self::internal(fault)
    }
}

/// Makes and reads cursors.
#[derive(Clone, Debug)]
pub struct Cursors(Keys);

impl Cursors {
    /// With the key for cursors out of these.
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        Self(keys.clone())
    }

    /// The cursor after `position` in the list `scope` of `owner` under `filter`: any text that is the same for the same filter
    /// and only then (sort order included).
    ///
    /// # Errors
    /// [`Unsealable`], for a position type that does not belong in a cursor.
    pub fn seal<T: Serialize>(
        &self,
        owner: UserId,
        scope: &str,
        filter: &str,
        position: &T,
    ) -> Result<String, Unsealable> {
        let mut cursor = serde_json::to_vec(position)?;
        let tag = self.0.sign(Purpose::Cursor, &parts(owner.uuid().as_bytes(), scope, filter, &cursor));
        cursor.extend_from_slice(&tag.to_bytes());
        let text = URL_SAFE_NO_PAD.encode(cursor);
        if text.len() > LONGEST {
            return Err(Unsealable::TooLong);
        }
        Ok(text)
    }

    /// The position in a cursor that came back.
    ///
    /// # Errors
    /// [`BadCursor`], the same for every reason.
    pub fn open<T: DeserializeOwned>(
        &self,
        owner: UserId,
        scope: &str,
        filter: &str,
        cursor: &str,
    ) -> Result<T, BadCursor> {
        if cursor.len() > LONGEST {
            return Err(BadCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| BadCursor)?;
        let (position, tag) = bytes.split_last_chunk::<{ Tag::LENGTH }>().ok_or(BadCursor)?;
        let tag = Tag::from_bytes(tag).ok_or(BadCursor)?;
        if !self.0.verify(Purpose::Cursor, &parts(owner.uuid().as_bytes(), scope, filter, position), &tag) {
            return Err(BadCursor);
        }
        serde_json::from_slice(position).map_err(|_| BadCursor)
    }

    /// Where a page of a list by newest first starts: after the cursor, or at the start without one.
    ///
    /// # Errors
    /// A fault of the field `cursor`, the same for every reason.
    pub fn after(&self, owner: UserId, scope: &str, filter: &str, cursor: Option<&str>) -> ApiResult<Position> {
        cursor.map_or_else(|| Ok(Position::start()), |cursor| Ok(self.open(owner, scope, filter, cursor)?))
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
    fn a_cursor_leads_back_to_its_position() {
        let (owner, position) = (UserId::new(), position());
        let cursor = cursors().seal(owner, "invoices", "status=draft", &position).unwrap();
        assert_eq!(cursors().open(owner, "invoices", "status=draft", &cursor), Ok(position));
    }

    #[test]
    fn a_cursor_is_good_for_one_owner_one_list_and_one_filter() {
        let owner = UserId::new();
        let cursor = cursors().seal(owner, "invoices", "status=draft", &position()).unwrap();
        let open = |owner, scope, filter| cursors().open::<Position>(owner, scope, filter, &cursor);
        assert_eq!(open(UserId::new(), "invoices", "status=draft"), Err(BadCursor));
        assert_eq!(open(owner, "customers", "status=draft"), Err(BadCursor));
        assert_eq!(open(owner, "invoices", "status=paid"), Err(BadCursor));
        assert_eq!(open(owner, "invoices", ""), Err(BadCursor));
        // The border between list and filter cannot be moved.
        assert_eq!(open(owner, "invoicess", "tatus=draft"), Err(BadCursor));
        let others = Cursors::new(&Keys::new(&vec![9; 32].into()).unwrap());
        assert_eq!(others.open::<Position>(owner, "invoices", "status=draft", &cursor), Err(BadCursor));
    }

    #[test]
    fn no_changed_character_passes() {
        let owner = UserId::new();
        let cursor = cursors().seal(owner, "invoices", "", &position()).unwrap();
        for index in 0..cursor.len() {
            for with in ["A", "Z", "_", "=", " ", ""] {
                let mut forged = cursor.clone();
                forged.replace_range(index..=index, with);
                if forged != cursor {
                    assert_eq!(cursors().open::<Position>(owner, "invoices", "", &forged), Err(BadCursor), "{forged}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_cursor_at_all_is_refused_alike() {
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
            assert_eq!(cursors().open::<Position>(owner, "invoices", "", bad), Err(BadCursor));
        }
        // Ours, and of another list's type.
        let cursor = cursors().seal(owner, "invoices", "", &"text").unwrap();
        assert_eq!(cursors().open::<Position>(owner, "invoices", "", &cursor), Err(BadCursor));
    }

    #[test]
    fn a_position_that_would_not_come_back_is_not_sealed() {
        let sealed = cursors().seal(UserId::new(), "invoices", "", &"x".repeat(LONGEST));
        assert!(matches!(sealed, Err(Unsealable::TooLong)));
    }
}
