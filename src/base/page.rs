//! Keyset pagination: a page begins after the last row of the previous page.
//! Every page has a maximum size (CWE-770).

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a limit is a number from {} to {}", Limit::SMALLEST, Limit::LARGEST)]
pub struct BadLimit;

/// The maximum number of items on a page: 1 to 100, by default 20.
/// Any other number is refused, so that the client's developer notices the mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u32);

/// Deserializes the limit from the query of a URL, in which all values are text.
impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse::<u32>().ok().and_then(|number| Self::try_from(number).ok());
        number.ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &"a page size"))
    }
}

impl Limit {
    pub const SMALLEST: u32 = 1;
    pub const LARGEST: u32 = 100;

    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// Returns the number of rows to select: one more than the limit. If all these rows exist, there is a next page.
    #[must_use]
    pub fn rows(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl TryFrom<u32> for Limit {
    type Error = BadLimit;

    fn try_from(number: u32) -> Result<Self, BadLimit> {
        (Self::SMALLEST..=Self::LARGEST).contains(&number).then_some(Self(number)).ok_or(BadLimit)
    }
}

/// A position in a list that is sorted from newest to oldest. The id orders rows of the same microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub created_at: DateTime<Utc>,
    pub id: Uuid,
}

impl Position {
    /// Returns a position before the newest row, in the year 9999, where the first page begins.
    /// So all pages use the same SQL condition. With the term `$1 is null or …`, PostgreSQL could not use the index.
    #[must_use]
    pub fn start() -> Self {
        Self {
            created_at: DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::UNIX_EPOCH),
            id: Uuid::max(),
        }
    }

    /// Returns a position before the oldest row, for a list that is sorted from oldest to newest.
    #[must_use]
    pub fn end() -> Self {
        Self { created_at: DateTime::UNIX_EPOCH, id: Uuid::nil() }
    }
}

pub const MAX_CURSOR_LENGTH: usize = 512;

/// One page of a list. It does not contain the total number of rows, because PostgreSQL would have to count all rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The cursor of the next page, or `None` on the last page.
    pub next_cursor: Option<String>,
}

impl<T: ToSchema> ToSchema for Page<T> {
    /// Returns the name of the schema: `CustomerPage` for a page of `CustomerView`.
    fn name() -> Cow<'static, str> {
        let item = T::name();
        format!("{}Page", item.strip_suffix("View").unwrap_or(&item)).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name())).max_items(Some(100));
        let cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some(
                "Send it as `cursor`, with the same filter and order, to get the next page. Null on the last page.",
            ))
            .max_length(Some(MAX_CURSOR_LENGTH))
            .pattern(Some("^[A-Za-z0-9_-]+$"));
        let page = ObjectBuilder::new().property("items", items).required("items");
        page.property("next_cursor", cursor).required("next_cursor").into()
    }
}

impl<T> Page<T> {
    /// Creates a page from at most [`Limit::rows`] rows.
    /// If there is a next page, `cursor_after` creates its cursor from the last item of this page.
    pub fn from_rows<E>(
        mut rows: Vec<T>,
        limit: Limit,
        cursor_after: impl FnOnce(&T) -> Result<String, E>,
    ) -> Result<Self, E> {
        let size = limit.0 as usize;
        let more = rows.len() > size;
        rows.truncate(size);
        let next_cursor = match rows.last() {
            Some(last) if more => Some(cursor_after(last)?),
            _ => None,
        };
        Ok(Self { items: rows, next_cursor })
    }

    #[must_use]
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next_cursor: self.next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[derive(Deserialize)]
    struct Query {
        #[serde(default)]
        limit: Limit,
    }

    fn page(rows: u32, limit: u32) -> Page<u32> {
        Page::from_rows((0..rows).collect(), Limit::try_from(limit).unwrap(), |last| {
            Ok::<_, Infallible>(format!("after {last}"))
        })
        .unwrap()
    }

    #[test]
    fn limit_is_1_to_100_and_20_by_default() {
        let read = |query: &str| serde_urlencoded::from_str::<Query>(query).ok().map(|query| query.limit.get());
        assert_eq!(read(""), Some(20));
        assert_eq!(read("limit=1"), Some(1));
        assert_eq!(read("limit=100"), Some(100));
        for bad in ["0", "101", "-1", "1.5", "4294967296", "all", "", "%201", "0x10"] {
            assert_eq!(read(&format!("limit={bad}")), None, "{bad}");
        }
    }

    #[test]
    fn page_has_a_cursor_only_if_a_next_page_exists() {
        assert_eq!(page(0, 2).next_cursor, None);
        assert_eq!(page(2, 2).next_cursor, None);
        let full = page(3, 2);
        assert_eq!((full.items, full.next_cursor), (vec![0, 1], Some("after 1".into())));
        assert_eq!(Limit::default().rows(), 21);
    }

    #[test]
    fn start_position_is_the_end_of_year_9999() {
        assert_eq!(Position::start().created_at.to_rfc3339(), "9999-12-31T23:59:59+00:00");
    }

    #[test]
    fn cursor_of_the_last_page_is_null() {
        let wire = serde_json::to_value(page(1, 2).map(|n| n.to_string())).unwrap();
        assert_eq!(wire, serde_json::json!({"items": ["0"], "next_cursor": null}));
    }
}
