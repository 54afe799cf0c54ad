//! Extractors for ids and query fields.
//!
//! A malformed id is treated as a nonexistent one: it is replaced by a new random id and looked up like any other. So
//! malformed, missing, deleted and foreign ids take the same code path, send the same statements and get the same reply (BOLA).

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use garde::Validate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::body::{pointer, validate};
use super::error::{ApiError, ApiResult};
use super::faults::data_fault;

/// Parses an id, or returns a new random one.
fn parse_or_random<T: FromStr + From<Uuid>>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| T::from(Uuid::new_v4()))
}

/// The `{id}` of a path.
pub struct PathId<T>(pub T);

impl<T: FromStr + From<Uuid>> FromRequest for PathId<T> {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(parse_or_random(request.match_info().get("id").unwrap_or_default()))))
    }
}

/// An id in a body or in a query.
#[derive(Clone, Copy, Debug)]
pub struct IdField<T>(pub T);

impl<'de, T: FromStr + From<Uuid>> Deserialize<'de> for IdField<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(parse_or_random(&text)))
    }
}

/// The query of a list. Unknown fields are refused, and so are repeated ones (HTTP parameter pollution).
pub struct QueryFields<T>(pub T);

impl<T> FromRequest for QueryFields<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

fn parse<T: DeserializeOwned + Validate<Context = ()>>(query: &str) -> ApiResult<T> {
    let fields = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    let value = serde_path_to_error::deserialize(fields)
        .map_err(|error| ApiError::Invalid(vec![data_fault(&pointer(error.path()), &error.inner().to_string())]))?;
    validate(&value)?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::CustomerId;

    #[test]
    fn malformed_id_becomes_a_random_one() {
        let known = CustomerId::new();
        let read = |text: &str| serde_json::from_value::<IdField<CustomerId>>(text.into()).unwrap().0;
        assert_eq!(read(&known.to_string()), known);
        for malformed in ["", "1", "../1", "\0", &known.to_string().replace('-', "")] {
            assert_ne!(read(malformed), known);
            assert_ne!(read(malformed), read(malformed), "a constant could exist");
        }
    }

    #[test]
    fn name_of_an_unknown_query_field_is_escaped_in_its_pointer() {
        #[derive(Debug, serde::Deserialize, Validate)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        let refused = parse::<Nothing>("~a/b=1").unwrap_err();
        assert!(matches!(&refused, ApiError::Invalid(faults) if faults[0].pointer == "/~0a~1b"), "{refused:?}");
    }
}
