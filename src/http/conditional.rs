//! Optimistic locking with `ETag` and `If-Match` (RFC 9110 §13) (CWE-362, API6:2023).
//!
//! **Attack**: lost update: two clients read the same version, and the second write silently overwrites the first.
//! **Control**: a read returns an `ETag`, and a write must send it as `If-Match`.
//! Without `If-Match` the reply is 428; with a stale `ETag` it is 412.
//! A write looks up the object among the caller's own objects first, so other users receive 404 and never its version.
//! A read with `If-None-Match` returns 304 if the client already has the current version.
//! **Limits**: a new payment or credit note needs no `If-Match` for its invoice. Row locks protect the sums.
//! **ASVS**: 2.3.4, 15.4.2 · **Test**: `attacks::authorization::object_level::versions`

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, EntityTag};
use actix_web::{Error, FromRequest, HttpRequest};

use super::error::{ApiError, ApiResult};
use super::signature::{Describe, Signature};

/// Returns a version as a strong entity tag.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Returns whether a header is `*` or a list of entity tags (RFC 9110 §13.1.1).
fn is_well_formed(line: &str) -> bool {
    line == "*" || line.split(',').all(|tag| tag.trim().parse::<EntityTag>().is_ok())
}

/// Parses an entity tag of this service. RFC 9110 §8.8.3.2 compares tags byte by byte, so `"01"` matches no version.
fn version_of(tag: &str) -> Option<i64> {
    let version = tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()?;
    (etag(version) == tag).then_some(version)
}

/// The `If-Match` header: the version that the client has read.
#[derive(Debug)]
pub enum IfMatch {
    Missing,
    /// One strong tag of this service.
    Version(i64),
    /// A weak tag, `*`, a list, or a tag of another service. None of them identifies one version, so the reply is 412.
    Unusable,
    Malformed,
}

impl IfMatch {
    /// Checks that the header contains `version`, the current version of the object.
    ///
    /// # Errors
    /// Returns 428 if the header is missing, 400 if it is malformed, and 412 if it contains another version.
    pub fn check(&self, version: i64) -> ApiResult<()> {
        match self {
            Self::Missing => Err(ApiError::PreconditionRequired),
            Self::Version(read) if *read == version => Ok(()),
            Self::Version(_) | Self::Unusable => Err(ApiError::PreconditionFailed),
            Self::Malformed => Err(ApiError::invalid("/If-Match", "must be the ETag of your last read")),
        }
    }
}

/// The maximum length of `If-None-Match` in bytes. A longer list names more copies than any client has, and is ignored.
const MAX_TAG_LIST_BYTES: usize = 500;

/// The `If-None-Match` header (RFC 9110 §13.1.2): the tags of the client's copies.
/// A malformed header is ignored, because a full reply is always correct.
pub struct IfNoneMatch(Option<String>);

impl IfNoneMatch {
    /// Returns whether the client has this version. RFC 9110 §13.1.2 requires that a weak tag matches too.
    #[must_use]
    pub fn has(&self, etag: &str) -> bool {
        let tags = self.0.iter().flat_map(|list| list.split(','));
        tags.map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
    }
}

impl Describe for IfMatch {
    fn describe(signature: &mut Signature) {
        signature.if_match = true;
    }
}

impl Describe for IfNoneMatch {
    fn describe(signature: &mut Signature) {
        signature.if_none_match = true;
    }
}

impl FromRequest for IfNoneMatch {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let lines = request.headers().get_all(header::IF_NONE_MATCH).map(|line| line.to_str().unwrap_or("?"));
        let list = lines.collect::<Vec<_>>().join(",");
        ready(Ok(Self(Some(list).filter(|list| list.len() <= MAX_TAG_LIST_BYTES && is_well_formed(list)))))
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
