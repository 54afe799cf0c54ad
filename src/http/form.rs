//! A form with a file (`multipart/form-data`, RFC 7578), part by part as it arrives. Handlers take [`Form`]; what is in memory
//! is [`PART_HEAD`] and the piece that was asked for.
//!
//! A form is refused where two readers could see two forms: parts with headers beside their name and type (a length of its own,
//! an encoding), forms in forms, a part given twice, packed bodies.

use actix_multipart::{Field, Multipart, MultipartConfig, MultipartError};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;

use super::body::{escape, payload_fault};
use super::error::{ApiError, ApiResult};

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
        let parts = Multipart::from_request(request, payload);
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
        let headers = field.headers();
        let known = [header::CONTENT_DISPOSITION, header::CONTENT_TYPE];
        if headers.len() != headers.keys().count() || headers.keys().any(|header| !known.contains(header)) {
            return Err(ApiError::invalid(
                pointer(&name),
                "must have a Content-Disposition and a Content-Type at most",
            ));
        }
        if self.names.contains(&name) {
            return Err(ApiError::invalid(pointer(&name), "is given twice"));
        }
        self.names.push(name.clone());
        Ok(Some(Part { field, name }))
    }
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

    /// As the client's machine calls the file.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.field.content_disposition()?.get_filename()
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
        let media_type = self.media_type().to_ascii_lowercase();
        let is_text = ["", "text/plain", "text/plain; charset=utf-8", "text/plain;charset=utf-8"];
        if self.file_name().is_some() || !is_text.contains(&media_type.as_str()) {
            return Err(self.refused("must be text in UTF-8"));
        }
        let mut text = Vec::new();
        while let Some(bytes) = self.bytes().await? {
            if text.len() + bytes.len() > most {
                return Err(self.refused("is too long"));
            }
            text.extend_from_slice(&bytes);
        }
        String::from_utf8(text).map_err(|_| self.refused("must be text in UTF-8"))
    }
}

/// What the reader says stays here: it would name our limits and his text.
fn form_fault(error: &MultipartError) -> ApiError {
    match error {
        MultipartError::Payload(cause) => match payload_fault(cause) {
            ApiError::NotJson(_) => not_a_form(),
            other => other,
        },
        _ => not_a_form(),
    }
}

fn not_a_form() -> ApiError {
    ApiError::invalid("", "must be one whole form (multipart/form-data) whose parts are no forms")
}
