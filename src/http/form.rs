//! A form with a file (`multipart/form-data`, RFC 7578), part by part as it arrives. Handlers take [`Form`]; what is in memory
//! is [`PART_HEAD`] and the piece that was asked for.
//!
//! A form is refused where two readers could see two forms (CWE-436): a part with a header given twice or with encoded or
//! compressed content, a form in a form, a part given twice, a compressed body. Other headers of a part are ignored, as RFC 7578,
//! section 4.8, demands; its `Content-Length` by [`part_lengths`](super::part_lengths).

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

/// Largest head of a part, and so the reader's memory, in bytes.
pub const PART_HEAD: usize = 8 * 1024;
/// Beside the file, in bytes: the other parts, all heads and boundaries.
pub const ENVELOPE: usize = 64 * 1024;

/// The type of every form.
pub const FORM: &str = "multipart/form-data";

/// A form that is being read.
pub struct Form {
    parts: Multipart,
    announced: Option<u64>,
    names: Vec<String>,
}

/// How forms are read, for the application's data.
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
        let announced = length.and_then(|line| line.to_str().ok()?.parse().ok());
        let mut lengths = PartLengths::new(&boundary(request));
        let body = payload.take().map_ok(move |bytes| lengths.rename(bytes));
        let parts = Multipart::from_request(request, &mut Payload::Stream { payload: Box::pin(body) });
        Box::pin(async move {
            if !is_form {
                return Err(ApiError::UnsupportedMediaType(FORM));
            }
            let parts = parts.await.map_err(|_| ApiError::UnsupportedMediaType(FORM))?;
            Ok(Self { parts, announced, names: Vec::new() })
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

/// What stands between the parts. The reader of the form refuses one without it.
fn boundary(request: &HttpRequest) -> String {
    let media_type = request.mime_type().ok().flatten();
    media_type.and_then(|kind| kind.get_param(BOUNDARY).map(|name| name.as_str().to_owned())).unwrap_or_default()
}

impl Form {
    /// How large the whole is, in bytes, if its head says so; it cannot get larger.
    #[must_use]
    pub fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// The next part, once the one before was read. Each name comes once: a form has as many parts as its handler knows names,
    /// if that refuses all others.
    ///
    /// # Errors
    /// The form is none, is too large or too slow, or has a part that it must not have.
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

/// What makes a part's head say two things, or something else than its content.
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
        // It was renamed, unless the reader sees a head where we see content.
        (headers.contains_key(header::CONTENT_LENGTH), "has a Content-Length: leave it out"),
    ];
    problems.into_iter().find_map(|(is_problem, message)| is_problem.then_some(message))
}

/// The JSON pointer of a part.
fn pointer(name: &str) -> String {
    format!("/{}", escape(name))
}

/// A part that is being read.
pub struct Part {
    field: Field,
    name: String,
}

impl Part {
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The refusal of this part.
    #[must_use]
    pub fn refused(&self, expected: &'static str) -> ApiError {
        ApiError::invalid(pointer(&self.name), expected)
    }

    /// The name that the client gives to the file, decoded and not cleaned.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        file_name(self.field.content_disposition()?)
    }

    /// As it is declared, with its parameters; empty where it is not.
    #[must_use]
    pub fn media_type(&self) -> &str {
        self.field.headers().get(header::CONTENT_TYPE).and_then(|line| line.to_str().ok()).unwrap_or_default()
    }

    /// The next bytes.
    ///
    /// # Errors
    /// The form is none, is too large or too slow.
    pub async fn bytes(&mut self) -> ApiResult<Option<Bytes>> {
        let bytes = self.field.next().await;
        bytes.transpose().map_err(|error| form_fault(&error))
    }

    /// The whole of a short text.
    ///
    /// # Errors
    /// It is longer than `most` bytes, a file, or not in UTF-8.
    pub async fn text(mut self, most: usize) -> ApiResult<String> {
        if self.file_name().is_some() {
            return Err(self.refused("must be text, and has a file name: leave the file name out"));
        }
        if !is_text(self.media_type()) {
            return Err(self.refused(TEXT_PART));
        }
        let mut text = Vec::new();
        while let Some(bytes) = self.bytes().await? {
            if text.len() + bytes.len() > most {
                return Err(self.refused("is too long"));
            }
            text.extend_from_slice(&bytes);
        }
        String::from_utf8(text).map_err(|_| self.refused(TEXT_PART))
    }
}

const TEXT_PART: &str = "must be text in UTF-8: send it without a Content-Type, or as text/plain; charset=utf-8";

/// Whether this media type is plain text that may be UTF-8. Apache's HTTP client declares ISO-8859-1 for any text: ASCII is the
/// same in both, and the rest is refused because it is not UTF-8.
fn is_text(media_type: &str) -> bool {
    let Ok(declared) = MediaType::parse(media_type) else { return media_type.is_empty() };
    let charset = declared.get_param(CHARSET).map(|value| value.unquoted_str().to_ascii_lowercase());
    let is_known = charset.is_none_or(|charset| ["utf-8", "us-ascii", "iso-8859-1"].contains(&charset.as_str()));
    declared.essence().to_string().eq_ignore_ascii_case("text/plain") && is_known
}

/// What the reader says stays here: it would name our limits and his text.
fn form_fault(error: &MultipartError) -> ApiError {
    match error {
        MultipartError::Payload(cause) => match payload_fault(cause) {
            ApiError::NotJson(_) => not_a_form(),
            other => other,
        },
        MultipartError::ContentDispositionMissing | MultipartError::ContentDispositionNameMissing => {
            ApiError::invalid("", "must have in each part Content-Disposition: form-data with a name, in UTF-8")
        }
        _ => not_a_form(),
    }
}

fn not_a_form() -> ApiError {
    ApiError::invalid("", "must be one whole form (multipart/form-data) whose parts are no forms")
}
