//! Ids in paths and fields in queries, as typed values. A malformed id is a missing one (S16): same answer, no hint.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use garde::Validate;
use serde::de::DeserializeOwned;

use super::body::{data_fault, validate};
use super::error::{ApiError, ApiResult};

/// The `{id}` of a path.
pub struct PathId<T>(pub T);

impl<T: FromStr> FromRequest for PathId<T> {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").unwrap_or_default();
        ready(id.parse().map(Self).map_err(|_| ApiError::NotFound))
    }
}

/// The query of a list. Unknown and repeated fields are refused: `?status=a&status=b` has no one meaning.
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
    let value = serde_path_to_error::deserialize(fields).map_err(|error| {
        let name = error.path().iter().next().map(ToString::to_string).unwrap_or_default();
        ApiError::Invalid(vec![data_fault(
            &format!("/{}", name.chars().take(64).collect::<String>()),
            &error.inner().to_string(),
        )])
    })?;
    validate(&value)?;
    Ok(value)
}
