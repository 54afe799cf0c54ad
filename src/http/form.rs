//! Multipart forms (RFC 7578) without parser differentials (CWE-436, API8:2023).
//!
//! **Attack**: a filter or proxy in front of the service parses a form differently from the service.
//! A malicious file then passes the filter unseen.
//! **Control**: a form that two parsers could read differently is refused.
//! Such a form has a compressed request body, a nested form, or two parts with the same name.
//! Or a part has encoded or compressed content, or a repeated `Content-Disposition` or `Content-Type`.
//! The service ignores all other headers of a part (RFC 7578 §4.8).
//! [`part_lengths`](super::part_lengths) explains how `Content-Length` is treated.
//! A form is streamed, so memory contains at most [`PART_HEAD`] bytes and one chunk of the form.
//! **Limits**: the service cannot know which forms a proxy in front accepts.
//! **ASVS**: 4.2.1, 5.2.1 · **Test**: `attacks::files::uploads::forms`, `attacks::files::uploads::part_heads`

use actix_multipart::{Field, Multipart, MultipartConfig, MultipartError};
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::mime::BOUNDARY;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use futures_util::{StreamExt, TryStreamExt};
use mediatype::names::CHARSET;
use mediatype::{MediaType, ReadParams};

use super::body::{escape, payload_fault};
use super::error::{ApiError, ApiResult};
use super::file_name::file_name;
use super::part_lengths::PartLengths;

/// Maximum size of a part's head in bytes.
pub const PART_HEAD: usize = 8 * 1024;
/// Maximum size of a form without its file, in bytes.
pub const ENVELOPE: usize = 64 * 1024;

pub const FORM: &str = "multipart/form-data";

/// A form. The service reads its parts one after the other.
pub struct Form {
    parts: Multipart,
    declared_length: Option<u64>,
    names: Vec<String>,
}

/// Returns the settings of actix's multipart parser.
#[must_use]
pub fn config() -> MultipartConfig {
    MultipartConfig::new().buffer_limit(PART_HEAD)
}

impl FromRequest for Form {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, ApiResult<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_form = is_form(request);
        let length = request.headers().get(header::CONTENT_LENGTH);
        let declared_length = length.and_then(|line| line.to_str().ok()?.parse().ok());
        let mut lengths = PartLengths::new(&boundary(request));
        let body = payload.take().map_ok(move |bytes| lengths.rename(bytes));
        let parts = Multipart::from_request(request, &mut Payload::Stream { payload: Box::pin(body) });
        Box::pin(async move {
            if !is_form {
                return Err(ApiError::UnsupportedMediaType(FORM));
            }
            let parts = parts.await.map_err(|_| ApiError::UnsupportedMediaType(FORM))?;
            Ok(Self { parts, declared_length, names: Vec::new() })
        })
    }
}

fn is_form(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let mut lines = headers.get_all(header::CONTENT_TYPE);
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let kind = line.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case(FORM) && !headers.contains_key(header::CONTENT_ENCODING)
}

/// Returns the boundary between parts, which the parser requires.
fn boundary(request: &HttpRequest) -> String {
    let media_type = request.mime_type().ok().flatten();
    media_type.and_then(|kind| kind.get_param(BOUNDARY).map(|name| name.as_str().to_owned())).unwrap_or_default()
}

impl Form {
    /// Returns `Content-Length` in bytes, if the request has it.
    #[must_use]
    pub fn declared_length(&self) -> Option<u64> {
        self.declared_length
    }

    /// Returns the next part. Call it after the previous part was read completely.
    /// Each name may occur only once. So a handler that refuses unknown names also limits the number of parts.
    pub async fn next(&mut self) -> ApiResult<Option<Part>> {
        let Some(field) = self.parts.next().await else { return Ok(None) };
        let field = field.map_err(|error| form_fault(&error))?;
        let name = field.name().unwrap_or_default().to_owned();
        if let Some(problem) = ambiguity(field.headers()) {
            return Err(ApiError::invalid(pointer(&name), problem));
        }
        if self.names.contains(&name) {
            return Err(ApiError::invalid(pointer(&name), "is given twice"));
        }
        self.names.push(name.clone());
        Ok(Some(Part { field, name }))
    }
}

/// Returns why two parsers could read this part differently, or `None` if the part is unambiguous.
fn ambiguity(headers: &HeaderMap) -> Option<&'static str> {
    let is_twice = |name| headers.get_all(name).count() > 1;
    let is_other = |name: &str, plain: &[&str]| {
        headers
            .get_all(name)
            .any(|value| !plain.iter().any(|plain| value.as_bytes().eq_ignore_ascii_case(plain.as_bytes())))
    };
    let problems = [
        (is_twice(header::CONTENT_DISPOSITION), "has Content-Disposition twice: send it once"),
        (is_twice(header::CONTENT_TYPE), "has Content-Type twice: send it once"),
        (
            is_other("content-transfer-encoding", &["binary", "8bit", "7bit"]),
            "is encoded: send the bytes as they are, without Content-Transfer-Encoding",
        ),
        (
            is_other("content-encoding", &["identity"]),
            "is compressed: send the bytes as they are, without Content-Encoding",
        ),
        // `PartLengths` has renamed this header in every part head that it found. If the header still exists, the two
        // parsers disagree about where the head is.
        (headers.contains_key(header::CONTENT_LENGTH), "has a Content-Length: leave it out"),
    ];
    problems.into_iter().find_map(|(is_problem, message)| is_problem.then_some(message))
}

fn pointer(name: &str) -> String {
    format!("/{}", escape(name))
}

/// A part of a form. The service reads its content in chunks.
pub struct Part {
    field: Field,
    name: String,
}

impl Part {
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn invalid(&self, expected: &'static str) -> ApiError {
        ApiError::invalid(pointer(&self.name), expected)
    }

    /// Returns the decoded file name, which can contain any character.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        file_name(self.field.content_disposition()?)
    }

    /// Returns the declared media type with its parameters, or an empty text.
    #[must_use]
    pub fn media_type(&self) -> &str {
        self.field.headers().get(header::CONTENT_TYPE).and_then(|line| line.to_str().ok()).unwrap_or_default()
    }

    /// Returns the next chunk, or `None` at the end of the part.
    pub async fn bytes(&mut self) -> ApiResult<Option<Bytes>> {
        let bytes = self.field.next().await;
        bytes.transpose().map_err(|error| form_fault(&error))
    }

    /// Reads the whole part as a short text.
    ///
    /// # Errors
    /// Fails if the part is longer than `max` bytes, is a file, or is not UTF-8.
    pub async fn text(mut self, max: usize) -> ApiResult<String> {
        if self.file_name().is_some() {
            return Err(self.invalid("must be text, but has a file name: leave the file name out"));
        }
        if !is_text(self.media_type()) {
            return Err(self.invalid(TEXT_PART));
        }
        let mut text = Vec::new();
        while let Some(bytes) = self.bytes().await? {
            if text.len() + bytes.len() > max {
                return Err(self.invalid("is too long"));
            }
            text.extend_from_slice(&bytes);
        }
        String::from_utf8(text).map_err(|_| self.invalid(TEXT_PART))
    }
}

const TEXT_PART: &str = "must be text in UTF-8: send it without a Content-Type, or as text/plain; charset=utf-8";

/// Returns whether a media type can be plain UTF-8 text.
/// Apache's HTTP client declares ISO-8859-1 for all texts. So this charset is accepted, but the text must be UTF-8.
fn is_text(media_type: &str) -> bool {
    let Ok(declared) = MediaType::parse(media_type) else { return media_type.is_empty() };
    let charset = declared.get_param(CHARSET).map(|value| value.unquoted_str().to_ascii_lowercase());
    let is_known = charset.is_none_or(|charset| ["utf-8", "us-ascii", "iso-8859-1"].contains(&charset.as_str()));
    declared.essence().to_string().eq_ignore_ascii_case("text/plain") && is_known
}

/// Maps an error of the parser. Its message names limits and internals, so the reply has a text of this
/// module instead (CWE-209).
fn form_fault(error: &MultipartError) -> ApiError {
    match error {
        MultipartError::Payload(cause) => match payload_fault(cause) {
            ApiError::NotJson(_) => not_a_form(),
            other => other,
        },
        MultipartError::ContentDispositionMissing | MultipartError::ContentDispositionNameMissing => {
            ApiError::invalid("", "must have Content-Disposition: form-data with a name in UTF-8 in each part")
        }
        _ => not_a_form(),
    }
}

fn not_a_form() -> ApiError {
    ApiError::invalid("", "must be one complete form (multipart/form-data) without nested forms")
}
