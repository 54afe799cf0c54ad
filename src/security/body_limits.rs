//! A body has a size and a time, decided at the edge by its route.
//!
//! **Abuse**: memory, parser and connections used up by large, endless or slow bodies. **How**: a length that says too much is
//! refused at once; whatever arrives is counted on the way, for every extractor, so a lying or missing length gains nothing;
//! a body that is not there in time ends its request. actix has no such timeout, and its own limits are one an extractor.
//! **Not stopped**: many small requests (`rate_limits.rs`).
//! **ASVS** 2.4.1, 5.2.1, 15.2.2 · **Attack** `attacks::resources`

use std::pin::Pin;
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};

use crate::http::error::{ApiError, ApiResult};

/// What a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLimit {
    /// No body at all.
    None,
    /// JSON of at most so many bytes.
    Json(usize),
}

/// 10 kB: what a JSON request of ours needs, generously.
pub const SMALL_JSON: BodyLimit = BodyLimit::Json(10 * 1024);

/// From the first poll of the body to its last byte.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);

impl BodyLimit {
    /// The largest body, in bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Json(bytes) => bytes,
        }
    }
}

/// Refuses what announces itself as too large, and counts and times the rest.
///
/// # Errors
/// [`ApiError::PayloadTooLarge`].
pub fn enforce(request: &mut ServiceRequest, limit: BodyLimit) -> ApiResult<()> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|line| line.to_str().ok()?.parse::<u64>().ok())
        .unwrap_or(0);
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    if announced > limit.bytes() as u64 || (limit == BodyLimit::None && chunked) {
        return Err(ApiError::PayloadTooLarge);
    }
    if limit != BodyLimit::None {
        let body = request.take_payload();
        request.set_payload(Payload::Stream { payload: bounded(body, limit.bytes()) });
    }
    Ok(())
}

type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

fn bounded(body: Payload, most: usize) -> BodyStream {
    let late = Box::pin(tokio::time::sleep(BODY_WITHIN));
    let state = (body, late, most, false);
    Box::pin(futures_util::stream::unfold(state, |(mut body, mut late, left, failed)| async move {
        if failed {
            return None;
        }
        let chunk = tokio::select! {
            chunk = body.next() => chunk?,
            () = &mut late => Err(PayloadError::Io(std::io::ErrorKind::TimedOut.into())),
        };
        let (item, left) = match chunk {
            Ok(chunk) => match left.checked_sub(chunk.len()) {
                Some(left) => (Ok(chunk), left),
                None => (Err(PayloadError::Overflow), 0),
            },
            Err(error) => (Err(error), 0),
        };
        let failed = item.is_err();
        Some((item, (body, late, left, failed)))
    }))
}
