//! A JSON body becomes a validated value, or a 400 that names the field. Handlers take [`JsonBody`] and never
//! see raw input.
//!
//! Known fields only, by their names ([`super::object`]): each request type says `deny_unknown_fields`, and serde refuses a
//! repeated field, so that no two parsers can read one body differently. What the parser said stays here: it lists the
//! names of all our fields.

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
use serde::de::DeserializeOwned;

use super::error::{ApiError, ApiResult, FieldFault};
use super::object::Object;

/// The validated body of a request. The size and time of its arrival are bounded by `security/body_limits.rs`.
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
                return Err(ApiError::UnsupportedMediaType);
            }
            let bytes = read(payload).await?;
            let value: T = parse(&bytes)?;
            validate(&value)?;
            Ok(Self(value))
        })
    }
}

/// A body that may be left out: without one and without a `Content-Type` it is `T`'s default. Otherwise as [`JsonBody`].
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

/// `application/json`, alone or in UTF-8. Anything else is no JSON of ours: a page can send `text/plain` to another origin
/// without asking first, so this is a wall against forged requests too.
pub(super) fn is_json(request: &HttpRequest) -> bool {
    let mut lines = request.headers().get_all(header::CONTENT_TYPE);
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return false;
    };
    let text = line.to_str().unwrap_or_default().to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    parts.next() == Some("application/json")
        && matches!((parts.next(), parts.next()), (None | Some("charset=utf-8" | "charset=\"utf-8\""), None))
}

pub(super) async fn read(mut payload: Payload) -> ApiResult<BytesMut> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| payload_fault(&error))?);
    }
    Ok(bytes)
}

/// What a body that did not arrive whole means.
#[must_use]
pub fn payload_fault(error: &PayloadError) -> ApiError {
    match error {
        PayloadError::Overflow => ApiError::PayloadTooLarge,
        PayloadError::Io(io) if io.kind() == std::io::ErrorKind::TimedOut => ApiError::BodyTimeout,
        _ => ApiError::NotJson,
    }
}

/// One JSON object of this type, from its bytes alone.
///
/// # Errors
/// [`ApiError::NotJson`], or [`ApiError::Invalid`] with the field.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> ApiResult<T> {
    // serde looks at what it reads only: a refusal in the middle would leave the rest unseen.
    let text = std::str::from_utf8(bytes).map_err(|_| ApiError::NotJson)?;
    let mut json = serde_json::Deserializer::from_str(text);
    let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        if error.inner().is_data() {
            ApiError::Invalid(vec![data_fault(&pointer(error.path()), &error.inner().to_string())])
        } else {
            ApiError::NotJson
        }
    })?;
    json.end().map_err(|_| ApiError::NotJson)?;
    Ok(value)
}

/// Our own sentence for what serde found. Its text is read for its kind only.
pub(super) fn data_fault(pointer: &str, said: &str) -> FieldFault {
    let quoted = said.split('`').nth(1).unwrap_or_default();
    if said.starts_with("missing field") {
        FieldFault::new(format!("{pointer}/{quoted}"), "is required")
    } else if said.starts_with("unknown field") {
        FieldFault::new(pointer, "is not a known field")
    } else if said.starts_with("duplicate field") {
        FieldFault::new(format!("{pointer}/{quoted}"), "is given twice")
    } else {
        FieldFault::new(pointer, "is not of the expected form")
    }
}

/// The JSON pointer (RFC 6901) to this place.
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

/// RFC 6901, and short: the key was typed in.
pub(super) fn escape(key: &str) -> String {
    key.chars().take(64).collect::<String>().replace('~', "~0").replace('/', "~1")
}

/// All fields that break a rule of their own, at once.
///
/// # Errors
/// [`ApiError::Invalid`] with a pointer each.
pub fn validate<T: Validate<Context = ()>>(value: &T) -> ApiResult<()> {
    value.validate().map_err(|report| {
        ApiError::Invalid(
            report
                .iter()
                .map(|(path, error)| FieldFault::new(garde_pointer(&path.to_string()), error.message().to_owned()))
                .collect(),
        )
    })
}

/// garde's `custom(fits::<T>)`: a text that reads as `T`, which says what it expects.
///
/// # Errors
/// It does not.
pub fn fits<T: FromStr<Err: Display>>(text: &str, _: &()) -> garde::Result {
    text.parse::<T>().map(drop).map_err(garde::Error::new)
}

/// `lines[0].quantity` → `/lines/0/quantity`.
fn garde_pointer(path: &str) -> String {
    let mut pointer = String::new();
    for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        pointer.push('/');
        pointer.push_str(part);
    }
    pointer
}
