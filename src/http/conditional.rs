//! Optimistic locking with `ETag` and `If-Match` (RFC 9110 §13) (CWE-362, API6:2023).
//!
//! **Attack**: a lost update: two clients read the same version, and the second write overwrites the first unseen.
//! **Control**: a read returns an `ETag`, and a write must send it as `If-Match`: missing is 428, stale is 412. The check comes
//! after the look-up (404 before 428 and 412), so other users never learn a version. `If-None-Match` saves sending what the client
//! already has (304).
//! **Limits**: payments and credit notes add to an invoice at any version; the database's locks protect their sums.
//! **ASVS**: 2.3.4, 15.4.2 · **Test**: `attacks::authorization::object_level::versions`

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{Error, FromRequest, HttpRequest};

use super::error::{ApiError, ApiResult};

/// Returns a version as a strong entity tag.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Returns whether a header is well-formed (RFC 9110 §13.1.1): `*` or a list of tags.
fn is_well_formed(line: &str) -> bool {
    let is_tag = |tag: &str| {
        let tag = tag.trim_matches([' ', '\t']);
        let quoted = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        quoted.is_some_and(|text| text.chars().all(|c| c.is_ascii_graphic() && c != '"'))
    };
    line == "*" || line.split(',').all(is_tag)
}

/// Parses a tag of this service. Tags are compared byte by byte (RFC 9110 §8.8.3.2): `"01"` and `"+1"` never match.
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
    /// A weak tag, `*`, a list, or a foreign tag. It does not name one version, so it never matches.
    Unusable,
    /// Not an `If-Match` header.
    Malformed,
}

impl IfMatch {
    /// Checks that the client has read this version.
    ///
    /// # Errors
    /// 428 without the header, 400 if it is malformed, 412 if it names another version.
    pub fn check(&self, version: i64) -> ApiResult<()> {
        match self {
            Self::Missing => Err(ApiError::PreconditionRequired),
            Self::Version(read) if *read == version => Ok(()),
            Self::Version(_) | Self::Unusable => Err(ApiError::PreconditionFailed),
            Self::Malformed => Err(ApiError::invalid("/If-Match", "must be the ETag of your last read")),
        }
    }
}

/// In bytes. Far more than the tags of all copies that a client can have of one object.
const MAX_TAG_LIST_BYTES: usize = 500;

/// The `If-None-Match` header (RFC 9110 §13.1.2): the tags of the client's copies. A malformed header is ignored: a full reply is
/// always correct.
pub struct IfNoneMatch(Option<String>);

impl IfNoneMatch {
    /// Returns whether the client has this version. For reads, weak tags count too.
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
