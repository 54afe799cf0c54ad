//! Optimistic locking (RFC 9110 §13, SECURITY F9): a read gives an `ETag`, a write on the object gives it back as `If-Match`.
//!
//! The check comes after the look-up (404 before 428 and 412), so that a stranger never learns a version.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{Error, FromRequest, HttpRequest};

use super::error::{ApiError, ApiResult};

/// The version of an object as a strong entity tag.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The version in a tag of ours. Tags are compared as they are written (RFC 9110 §8.8.3.2): `"01"` and `"+1"` are none.
fn version_of(tag: &str) -> Option<i64> {
    let version = tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()?;
    (etag(version) == tag).then_some(version)
}

/// What the client says it has read.
#[derive(Debug)]
pub enum IfMatch {
    /// No header.
    Missing,
    /// One strong tag of ours.
    Version(i64),
    /// Weak, `*`, a list, or no tag of ours: no promise about one version, so it holds for none.
    Unusable,
}

impl IfMatch {
    /// Goes on only if the client has read this very version.
    ///
    /// # Errors
    /// 428 without the header, 412 with another version.
    pub fn must_be(&self, version: i64) -> ApiResult<()> {
        match self {
            Self::Missing => Err(ApiError::PreconditionRequired),
            Self::Version(read) if *read == version => Ok(()),
            Self::Version(_) | Self::Unusable => Err(ApiError::PreconditionFailed),
        }
    }
}

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut lines = request.headers().get_all(header::IF_MATCH);
        ready(Ok(match (lines.next(), lines.next()) {
            (None, _) => Self::Missing,
            (Some(line), None) => line.to_str().ok().and_then(version_of).map_or(Self::Unusable, Self::Version),
            (Some(_), Some(_)) => Self::Unusable,
        }))
    }
}
