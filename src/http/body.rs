//! Input validation and mass assignment (CWE-915, CWE-20, API3:2023):
//! a JSON body becomes a validated value, or the reply is 400.
//!
//! **Attack**: additional fields such as `role` or `owner_id`; invalid values;
//! repeated fields, because two parsers may read different values of them.
//! **Control**: handlers take [`JsonBody`] and never see raw input.
//! Each request type refuses unknown and repeated fields ([`super::object`]), and garde checks the declared limits.
//! A refusal names the field ([`super::faults`]).
//! **Limits**: rules that need the database, such as a foreign key, are checked in the stores.
//! **ASVS**: 2.2.1, 2.2.2, 15.3.3 · **Test**: `attacks::authorization::mass_assignment`,
//! `attacks::error_handling::refusal_texts`

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use garde::Validate;
use serde::de::{DeserializeOwned, IgnoredAny};
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, FieldFault};
use super::faults::{data_fault, rule_fault};
use super::object::Object;
use super::signature::{Describe, NamedSchema, RequestBody, Signature};

/// A parsed and validated body. `security/limits/body_limits.rs` limits its size, and the time in which it must arrive.
pub struct JsonBody<T>(pub T);

impl<T> FromRequest for JsonBody<T>
where
    T: DeserializeOwned + Validate<Context = ()> + 'static,
{
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, ApiResult<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let accepted = is_json(request);
        let payload = payload.take();
        Box::pin(async move {
            if !accepted {
                return Err(ApiError::UnsupportedMediaType(JSON));
            }
            let bytes = read(payload).await?;
            let value: T = parse(&bytes)?;
            validate(&value)?;
            Ok(Self(value))
        })
    }
}

/// An optional body. A request without body and without `Content-Type` gives the default of `T`.
pub struct OptionalJsonBody<T>(pub T);

impl<T> FromRequest for OptionalJsonBody<T>
where
    T: DeserializeOwned + Validate<Context = ()> + Default + 'static,
{
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, ApiResult<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let headers = request.headers();
        let length = headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
        let is_there =
            length || [header::CONTENT_TYPE, header::TRANSFER_ENCODING].iter().any(|name| headers.contains_key(name));
        let body = is_there.then(|| JsonBody::from_request(request, payload));
        Box::pin(async move {
            match body {
                Some(body) => body.await.map(|JsonBody(value)| Self(value)),
                None => Ok(Self(T::default())),
            }
        })
    }
}

impl<T: ToSchema> Describe for JsonBody<T> {
    fn describe(signature: &mut Signature) {
        signature.body = Some(RequestBody { schema: NamedSchema::of::<T>(), is_required: true, files: &[] });
    }
}

impl<T: ToSchema> Describe for OptionalJsonBody<T> {
    fn describe(signature: &mut Signature) {
        signature.body = Some(RequestBody { schema: NamedSchema::of::<T>(), is_required: false, files: &[] });
    }
}

/// The media type of all bodies except uploads.
pub const JSON: &str = "application/json";

/// Accepts only `application/json`, alone or with `charset=utf-8`. This also prevents CSRF:
/// a page of another origin cannot send this type without a preflight request.
pub(super) fn is_json(request: &HttpRequest) -> bool {
    let mut lines = request.headers().get_all(header::CONTENT_TYPE);
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return false;
    };
    let text = line.to_str().unwrap_or_default().to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    parts.next() == Some(JSON)
        && matches!((parts.next(), parts.next()), (None | Some("charset=utf-8" | "charset=\"utf-8\""), None))
}

pub(super) async fn read(mut payload: Payload) -> ApiResult<BytesMut> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| payload_fault(&error))?);
    }
    Ok(bytes)
}

/// Converts an error that occurred while the body was received.
#[must_use]
pub fn payload_fault(error: &PayloadError) -> ApiError {
    match error {
        PayloadError::Overflow => ApiError::PayloadTooLarge,
        PayloadError::Io(io) if io.kind() == std::io::ErrorKind::TimedOut => ApiError::BodyTimeout,
        _ => ApiError::NotJson(None),
    }
}

/// Parses one JSON object.
///
/// # Errors
/// [`ApiError::NotJson`] if the syntax is wrong. [`ApiError::Invalid`] if a field is invalid.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> ApiResult<T> {
    // serde stops at the first fault. Check the whole body for UTF-8 first, so that a wrong encoding is always reported
    // as such.
    let text = std::str::from_utf8(bytes).map_err(|_| not_json("must be in UTF-8"))?;
    if text.trim().is_empty() {
        return Err(not_json("must be a JSON object, but is empty"));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // serde reports a number that is out of range as a syntax error, although such a number is valid JSON.
        // So if the text is valid JSON, the fault is in a field.
        if error.inner().is_data() || serde_json::from_str::<IgnoredAny>(text).is_ok() {
            ApiError::Invalid(vec![data_fault(&pointer(error.path()), &error.inner().to_string())])
        } else {
            broken_at(error.inner())
        }
    })?;
    json.end().map_err(|error| broken_at(&error))?;
    Ok(value)
}

fn not_json(message: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::NotJson(Some(FieldFault::new("", message)))
}

/// Returns the error for invalid syntax, without the message of the parser, which would disclose internals (CWE-209).
fn broken_at(error: &serde_json::Error) -> ApiError {
    not_json(format!("is not JSON at line {}, column {}", error.line(), error.column()))
}

/// Converts a path of `serde_path_to_error` to a JSON pointer (RFC 6901).
pub(super) fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { variant } => format!("/{}", escape(variant)),
            Segment::Unknown => "/?".to_owned(),
        })
        .collect()
}

/// Escapes a key for a JSON pointer (RFC 6901) and cuts it, because the client can send a long key.
pub(super) fn escape(key: &str) -> String {
    key.chars().take(64).collect::<String>().replace('~', "~0").replace('/', "~1")
}

/// Validates a value and reports all invalid fields at once.
pub fn validate<T: Validate<Context = ()>>(value: &T) -> ApiResult<()> {
    value.validate().map_err(|report| {
        ApiError::Invalid(
            report.iter().map(|(path, error)| rule_fault(garde_pointer(&path.to_string()), error.message())).collect(),
        )
    })
}

/// Validates that a text can be parsed as `T`: `#[garde(custom(fits::<T>))]`.
pub fn fits<T: FromStr<Err: Display>>(text: &str, _: &()) -> garde::Result {
    text.parse::<T>().map(drop).map_err(garde::Error::new)
}

/// Converts garde's path to a JSON pointer: `lines[0].quantity` becomes `/lines/0/quantity`.
fn garde_pointer(path: &str) -> String {
    let mut pointer = String::new();
    for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        pointer.push('/');
        pointer.push_str(part);
    }
    pointer
}
