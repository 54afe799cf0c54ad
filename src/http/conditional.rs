//! Optimistic locking (RFC 9110 §13): a read gives an `ETag`, a write on the object gives it back as `If-Match`.
//!
//! A read of what is costly to make gives nothing to a client who has it already (`If-None-Match`, 304).
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

/// Whether a line is what RFC 9110 §13.1.1 lets stand here: `*` or a list of tags.
fn is_well_formed(line: &str) -> bool {
    let is_tag = |tag: &str| {
        let tag = tag.trim_matches([' ', '\t']);
        let quoted = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        quoted.is_some_and(|text| text.chars().all(|c| c.is_ascii_graphic() && c != '"'))
    };
    line == "*" || line.split(',').all(is_tag)
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
    /// Nothing that may stand there.
    Malformed,
}

impl IfMatch {
    /// Goes on only if the client has read this very version.
    ///
    /// # Errors
    /// 428 without the header, 400 for what is no tag, 412 with another version.
    pub fn must_be(&self, version: i64) -> ApiResult<()> {
        match self {
            Self::Missing => Err(ApiError::PreconditionRequired),
            Self::Version(read) if *read == version => Ok(()),
            Self::Version(_) | Self::Unusable => Err(ApiError::PreconditionFailed),
            Self::Malformed => Err(ApiError::invalid("/If-Match", "must be the ETag of the last read")),
        }
    }
}

/// In bytes: far more than the tags of the copies that one can have of one object.
const LONGEST: usize = 500;

/// What the client has already (RFC 9110 §13.1.2): its list of tags, over all lines. A malformed list is ignored, as if the header
/// were missing: the client gets the whole reply, which is never wrong.
pub struct IfNoneMatch(Option<String>);

impl IfNoneMatch {
    /// Whether this version is among it. For a read, a weak tag is as good as a strong one.
    #[must_use]
    pub fn has(&self, etag: &str) -> bool {
        let tags = self.0.iter().flat_map(|list| list.split(','));
        tags.map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
    }
}

impl FromRequest for IfNoneMatch {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let lines = request.headers().get_all(header::IF_NONE_MATCH).map(|line| line.to_str().unwrap_or("?"));
        let list = lines.collect::<Vec<_>>().join(",");
        ready(Ok(Self(Some(list).filter(|list| list.len() <= LONGEST && is_well_formed(list)))))
    }
}

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut lines = request.headers().get_all(header::IF_MATCH);
        ready(Ok(match (lines.next(), lines.next()) {
            (None, _) => Self::Missing,
            (Some(_), Some(_)) => Self::Unusable,
            (Some(line), None) => match line.to_str() {
                Ok(line) if is_well_formed(line) => version_of(line).map_or(Self::Unusable, Self::Version),
                _ => Self::Malformed,
            },
        }))
    }
}
