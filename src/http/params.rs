//! Extractors for ids, query fields and the queries of lists.
//!
//! A malformed id is replaced by a random id, which no object has.
//! So a malformed id takes the same code path as the id of an object that is missing, deleted or owned by another user.
//! An attacker who probes ids (BOLA) cannot distinguish these cases.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::web::Path;
use actix_web::{FromRequest, HttpRequest};
use form_urlencoded::Serializer;
use garde::Validate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;
use uuid::Uuid;

use super::body::{pointer, validate};
use super::error::{ApiError, ApiResult};
use super::faults::data_fault;
use super::signature::{Describe, Signature};
use crate::base::page::{Limit, MAX_CURSOR_LENGTH};

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
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
pub struct IdField<T>(pub T);

impl<'de, T: FromStr + From<Uuid>> Deserialize<'de> for IdField<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(parse_or_random(&text)))
    }
}

/// A query. Unknown and repeated fields are refused (HTTP parameter pollution).
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

/// The query of a list: the page, and a filter of type `F`.
pub struct ListQuery<F> {
    pub page: PageQuery,
    /// The filter, with the sort order. A cursor is valid for one filter only (`security/authorization/cursors.rs`).
    pub filter: F,
}

/// The query fields that select the page of a list.
#[derive(Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items per page, 1 to 100. Default: 20.
    #[serde(default)]
    #[garde(skip)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 20, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the previous page. The filter and the order must be the same as for that page.
    #[garde(length(chars, max = MAX_CURSOR_LENGTH))]
    #[param(max_length = 512, pattern = "^[A-Za-z0-9_-]+$")]
    pub cursor: Option<String>,
}

/// The type of the filter of a list that cannot be filtered.
#[derive(Deserialize, Serialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

impl<F: DeserializeOwned + Validate<Context = ()>> FromRequest for ListQuery<F> {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (mut page, mut filter) = (Serializer::new(String::new()), Serializer::new(String::new()));
        for (name, value) in form_urlencoded::parse(request.query_string().as_bytes()) {
            let fields = if matches!(name.as_ref(), "limit" | "cursor") { &mut page } else { &mut filter };
            fields.append_pair(&name, &value);
        }
        let mut query = || Ok(Self { page: parse(&page.finish())?, filter: parse(&filter.finish())? });
        ready(query())
    }
}

impl<T> Describe for PathId<T> {}

/// Values of a path that are not ids.
impl<T> Describe for Path<T> {}

impl<T: IntoParams> Describe for QueryFields<T> {
    fn describe(signature: &mut Signature) {
        signature.query = T::into_params(|| Some(ParameterIn::Query));
    }
}

impl<F: IntoParams> Describe for ListQuery<F> {
    fn describe(signature: &mut Signature) {
        signature.query = PageQuery::into_params(|| Some(ParameterIn::Query));
        signature.query.extend(F::into_params(|| Some(ParameterIn::Query)));
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
    use crate::base::id::UserId;

    #[test]
    fn malformed_id_becomes_a_random_one() {
        let known = UserId::new();
        let read = |text: &str| serde_json::from_value::<IdField<UserId>>(text.into()).unwrap().0;
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
