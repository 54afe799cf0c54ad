//! Request body limits: size and time per route (CWE-400, CWE-770, API4:2023).
//!
//! **Attack**: large, endless or slow bodies (slow POST) that use up memory, CPU time and connections.
//! **Control**:
//! - Size: if `Content-Length` exceeds the limit of the route, the request is refused before its body is read.
//!   A client can send a wrong `Content-Length`, so the service also counts the bytes while they arrive.
//!   This limit applies to all extractors of actix. Each limit of actix itself applies to only one extractor.
//! - Time: a body must arrive within [`BODY_TIMEOUT`]. actix has no timeout for bodies.
//!   Each received byte of a file upload extends the timeout, so a large upload only needs the minimum rate
//!   [`MIN_FORM_RATE`].
//! - Unread bodies: if a chunked body was not read to its end, the connection is closed.
//!   Otherwise actix would read the rest of the body, however long it is.
//!
//! **Limits**: body limits do not stop many small requests. Rate limits do (`rate_limits.rs`).
//! **ASVS**: 2.4.1, 5.2.1, 15.2.2 · **Test**: `attacks::limits::body_limits`

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use futures_util::{Stream, StreamExt};

use crate::http::deadline::Deadline;
use crate::http::error::{ApiError, ApiResult};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLimit {
    None,
    /// A JSON body of at most this many bytes.
    Json(usize),
    /// A multipart form with a file, of at most this many bytes in total.
    Form(usize),
}

pub const SMALL_JSON: BodyLimit = BodyLimit::Json(10 * 1024);

/// How long a connection stays open after the response if the request body was not read to its end.
/// If the connection were closed immediately, the client might not receive the response.
const REPLY_FLUSH_TIME: Duration = Duration::from_secs(1);

/// The maximum time from the first read of a body to its last byte.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The minimum average rate of an upload that takes longer than [`BODY_TIMEOUT`], in bytes per second.
pub const MIN_FORM_RATE: u32 = 32 * 1024;

impl BodyLimit {
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Json(bytes) | Self::Form(bytes) => bytes,
        }
    }

    /// Replaces the maximum size of a form by `bytes`, a value from the configuration. Returns other limits unchanged.
    #[must_use]
    pub fn with_form_limit(self, bytes: usize) -> Self {
        match self {
            Self::Form(_) => Self::Form(bytes),
            other => other,
        }
    }
}

/// Refuses a request whose `Content-Length` exceeds the limit, and limits how many body bytes the handler can read.
///
/// # Errors
/// [`ApiError::PayloadTooLarge`] if the `Content-Length` exceeds the limit, or if a route without a body gets a chunked
/// body.
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
        let deadline = matches!(limit, BodyLimit::Form(_)).then(|| Deadline::of(request)).flatten();
        request.set_payload(Payload::Stream { payload: bounded(body, limit.bytes(), deadline) });
    }
    Ok(())
}

/// Middleware: closes the connection if a chunked body was not read to its end.
///
/// By default, actix reads and discards the rest of the body, however long it is.
/// But actix closes the connection if the payload still exists when the response is sent.
/// So this middleware stores the payload until after the response.
pub async fn close_unread<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if !request.headers().contains_key(header::TRANSFER_ENCODING) {
        return next.call(request).await;
    }
    let unread = Rc::new(RefCell::new(Some(request.take_payload())));
    let read = unread.clone();
    let body = futures_util::stream::poll_fn(move |context| {
        let mut body = read.borrow_mut();
        let polled = body.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_next(context));
        if matches!(polled, Poll::Ready(None)) {
            *body = None;
        }
        polled
    });
    request.set_payload(Payload::Stream { payload: Box::pin(body) });
    let reply = next.call(request).await;
    if unread.borrow().is_some() {
        actix_web::rt::spawn(async move {
            tokio::time::sleep(REPLY_FLUSH_TIME).await;
            drop(unread);
        });
    }
    reply
}

type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

/// Limits the size of a body, and the time in which it must arrive.
/// Each chunk of an upload extends this time, and the `deadline` of the whole request.
fn bounded(body: Payload, max: usize, deadline: Option<Deadline>) -> BodyStream {
    let late = Box::pin(tokio::time::sleep(BODY_TIMEOUT));
    let state = (body, late, max, deadline, false);
    let body = futures_util::stream::unfold(state, |(mut body, mut late, left, deadline, failed)| async move {
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
        if let (Some(deadline), Ok(chunk)) = (&deadline, &item) {
            deadline.extend();
            let more = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
            let end = late.deadline() + Duration::from_secs(1) * more / MIN_FORM_RATE;
            late.as_mut().reset(end);
        }
        let failed = item.is_err();
        Some((item, (body, late, left, deadline, failed)))
    });
    // The multipart parser polls once more after the end of the stream. Without `fuse`, this could panic.
    Box::pin(body.fuse())
}
