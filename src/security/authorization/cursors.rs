//! Signed keyset cursors, bound to user, list and filter (CWE-345, CWE-639, API1:2023).
//!
//! **Attack**: a client changes the position in a cursor, or uses a cursor of another user or another filter, to probe
//! for rows.
//! **Control**: a cursor contains a position in the list, and a MAC over owner, list, filter and position.
//! If one of these four values differs, the cursor is invalid. All invalid cursors get the same error.
//! A cursor grants no access to rows, because every query also filters by owner.
//! **Limits**: the position is encoded but not encrypted. It must only contain values that the owner may read.
//! **ASVS**: 8.2.2, 15.3.7 · **Test**: `attacks::authorization::object_level`

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::base::id::UserId;
use crate::base::page::{Limit, MAX_CURSOR_LENGTH, Page, Position};
use crate::http::error::{ApiError, ApiResult};
use crate::http::params::{ListQuery, NoFilter, PageQuery};
use crate::security::crypto::keys::{Keys, Purpose, Tag};

/// The error for a text that is not a cursor of this owner, list and filter. It does not reveal which of the three
/// differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct InvalidCursor;

/// The error for a position that cannot be encoded as a cursor. The cause is a bug of the service.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    #[error("the position cannot be serialized as JSON")]
    Json(#[from] serde_json::Error),
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

/// A request for one page of a list. Its cursor is only valid for this owner, list and filter.
#[derive(Clone, Debug)]
pub struct ListScope {
    owner: Uuid,
    list: &'static str,
    filter: String,
    cursor: Option<String>,
    pub limit: Limit,
}

impl ListScope {
    /// The scope includes all fields of the filter, so that a handler cannot forget one of them.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if the filter has nested fields.
    pub fn new<F: Serialize>(owner: UserId, list: &'static str, query: &ListQuery<F>) -> ApiResult<Self> {
        let filter = serde_urlencoded::to_string(&query.filter).map_err(ApiError::internal)?;
        let PageQuery { limit, cursor } = query.page.clone();
        Ok(Self { owner: owner.uuid(), list, filter, cursor, limit })
    }

    /// Creates the scope of a list below a parent, for example of the payments of an invoice.
    #[must_use]
    pub fn of_parent(owner: UserId, list: &'static str, parent: Uuid, query: &ListQuery<NoFilter>) -> Self {
        let PageQuery { limit, cursor } = query.page.clone();
        Self { owner: owner.uuid(), list, filter: parent.to_string(), cursor, limit }
    }

    fn signed_with<'a>(&'a self, position: &'a [u8]) -> [&'a [u8]; 4] {
        [self.owner.as_bytes(), self.list.as_bytes(), self.filter.as_bytes(), position]
    }
}

#[derive(Clone, Debug)]
pub struct Cursors(Keys);

impl Cursors {
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        Self(keys.clone())
    }

    /// Returns the position after which the page begins, or `start` if the request has no cursor.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] (400) for the field `cursor`, with the same message for all invalid cursors.
    pub fn start_or<P: DeserializeOwned>(&self, scope: &ListScope, start: P) -> ApiResult<P> {
        scope.cursor.as_ref().map_or(Ok(start), |cursor| Ok(self.decode(scope, cursor)?))
    }

    /// Returns the position after which the page begins, for a list that is sorted from newest to oldest.
    ///
    /// # Errors
    /// Returns the same errors as [`start_or`](Self::start_or).
    pub fn start(&self, scope: &ListScope) -> ApiResult<Position> {
        self.start_or(scope, Position::start())
    }

    /// Creates a page from at most [`Limit::rows`] rows. `position` returns the position of a row in the list.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if the position cannot be encoded.
    pub fn page<T, P: Serialize>(
        &self,
        scope: &ListScope,
        rows: Vec<T>,
        position: impl FnOnce(&T) -> P,
    ) -> ApiResult<Page<T>> {
        Ok(Page::from_rows(rows, scope.limit, |last| self.encode(scope, &position(last)))?)
    }

    fn encode<P: Serialize>(&self, scope: &ListScope, position: &P) -> Result<String, CursorError> {
        let mut cursor = serde_json::to_vec(position)?;
        let tag = self.0.sign(Purpose::Cursor, &scope.signed_with(&cursor));
        cursor.extend_from_slice(&tag.to_bytes());
        let text = URL_SAFE_NO_PAD.encode(cursor);
        if text.len() > MAX_CURSOR_LENGTH {
            return Err(CursorError::TooLong);
        }
        Ok(text)
    }

    fn decode<P: DeserializeOwned>(&self, scope: &ListScope, cursor: &str) -> Result<P, InvalidCursor> {
        if cursor.len() > MAX_CURSOR_LENGTH {
            return Err(InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor)?;
        let (position, tag) = bytes.split_last_chunk::<{ Tag::LENGTH }>().ok_or(InvalidCursor)?;
        let tag = Tag::from_bytes(tag).ok_or(InvalidCursor)?;
        if !self.0.verify(Purpose::Cursor, &scope.signed_with(position), &tag) {
            return Err(InvalidCursor);
        }
        serde_json::from_slice(position).map_err(|_| InvalidCursor)
    }
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

    fn scope(owner: UserId, list: &'static str, filter: &str) -> ListScope {
        ListScope { owner: owner.uuid(), list, filter: filter.to_owned(), cursor: None, limit: Limit::default() }
    }

    #[test]
    fn cursor_decodes_to_its_position() {
        let (scope, position) = (scope(UserId::new(), "invoices", "status=draft"), position());
        let cursor = cursors().encode(&scope, &position).unwrap();
        assert_eq!(cursors().decode(&scope, &cursor), Ok(position));
    }

    #[test]
    fn cursor_is_bound_to_owner_list_and_filter() {
        let owner = UserId::new();
        let own = scope(owner, "invoices", "status=draft");
        let cursor = cursors().encode(&own, &position()).unwrap();
        let open = |scope: ListScope| cursors().decode::<Position>(&scope, &cursor);
        assert_eq!(open(scope(UserId::new(), "invoices", "status=draft")), Err(InvalidCursor));
        assert_eq!(open(scope(owner, "customers", "status=draft")), Err(InvalidCursor));
        assert_eq!(open(scope(owner, "invoices", "status=paid")), Err(InvalidCursor));
        assert_eq!(open(scope(owner, "invoices", "")), Err(InvalidCursor));
        // If list and filter are joined, the text is the same as in `own`. So the MAC must cover their boundary.
        assert_eq!(open(scope(owner, "invoicess", "tatus=draft")), Err(InvalidCursor));
        let others = Cursors::new(&Keys::new(&vec![9; 32].into()).unwrap());
        assert_eq!(others.decode::<Position>(&own, &cursor), Err(InvalidCursor));
    }

    #[test]
    fn different_filters_have_different_texts() {
        #[derive(Serialize)]
        struct Filter {
            email: Option<&'static str>,
            role: Option<&'static str>,
        }
        let text = |email, role| {
            let page = PageQuery { limit: Limit::default(), cursor: None };
            ListScope::new(UserId::new(), "users", &ListQuery { page, filter: Filter { email, role } }).unwrap().filter
        };
        assert_eq!(text(Some("a"), Some("admin")), "email=a&role=admin");
        assert_ne!(text(None, None), text(Some(""), None));
        assert_ne!(text(None, None), text(Some("None"), None));
        assert_ne!(text(Some("a&role=admin"), None), text(Some("a"), Some("admin")));
    }

    #[test]
    fn altered_character_is_rejected() {
        let scope = scope(UserId::new(), "invoices", "");
        let cursor = cursors().encode(&scope, &position()).unwrap();
        for index in 0..cursor.len() {
            for with in ["A", "Z", "_", "=", " ", ""] {
                let mut forged = cursor.clone();
                forged.replace_range(index..=index, with);
                if forged != cursor {
                    assert_eq!(cursors().decode::<Position>(&scope, &forged), Err(InvalidCursor), "{forged}");
                }
            }
        }
    }

    #[test]
    fn malformed_cursor_is_rejected() {
        let scope = scope(UserId::new(), "invoices", "");
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
            assert_eq!(cursors().decode::<Position>(&scope, bad), Err(InvalidCursor));
        }
        // The signature is valid, but the position has another type.
        let cursor = cursors().encode(&scope, &"text").unwrap();
        assert_eq!(cursors().decode::<Position>(&scope, &cursor), Err(InvalidCursor));
    }

    #[test]
    fn too_long_position_is_not_encoded() {
        let cursor = cursors().encode(&scope(UserId::new(), "invoices", ""), &"x".repeat(MAX_CURSOR_LENGTH));
        assert!(matches!(cursor, Err(CursorError::TooLong)));
    }
}
