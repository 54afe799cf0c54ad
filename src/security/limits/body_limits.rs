//! A body has a size and a time, decided at the edge by its route.
//!
//! **Attack**: memory, parser and connections used up by large, endless or slow bodies.
//! **Control**: a length that says too much is
//! refused at once; whatever arrives is counted on the way, for every extractor, so a lying or missing length gains nothing;
//! a body that is not there in time ends its request; a form with a file has more time the more of it has come, so whoever drips
//! has no more than anybody. actix has no such timeout, and its own limits are one an extractor. What
//! nobody wants to read closes its connection.
//! **Limits**: many small requests (`rate_limits.rs`).
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

/// What a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLimit {
    /// No body at all.
    None,
    /// JSON of at most so many bytes.
    Json(usize),
    /// A form with a file, of at most so many bytes.
    Form(usize),
}

/// 10 kB: what a JSON request of ours needs, generously.
pub const SMALL_JSON: BodyLimit = BodyLimit::Json(10 * 1024);

/// The reply goes out as soon as it is made; this is more than enough.
const REPLY_IS_OUT_WITHIN: Duration = Duration::from_secs(1);

/// From the first poll of the body to its last byte.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);

/// The slowest that a form may come, after [`BODY_WITHIN`]: bytes a second, on average.
pub const SLOWEST_FORM: u32 = 32 * 1024;

impl BodyLimit {
    /// The largest body, in bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Json(bytes) | Self::Form(bytes) => bytes,
        }
    }

    /// The same, with as much room for a form as is set.
    #[must_use]
    pub fn with_form_of(self, bytes: usize) -> Self {
        match self {
            Self::Form(_) => Self::Form(bytes),
            other => other,
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
        let deadline = matches!(limit, BodyLimit::Form(_)).then(|| Deadline::of(request)).flatten();
        request.set_payload(Payload::Stream { payload: bounded(body, limit.bytes(), deadline) });
    }
    Ok(())
}

/// The middleware: closes the connection of a chunked body that was not read to its end, whoever refused it. actix would go on
/// reading and dropping it for as long as it comes; but not if its reader is still there when the reply goes out.
///
/// # Errors
/// What the rest returns.
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
            tokio::time::sleep(REPLY_IS_OUT_WITHIN).await;
            drop(unread);
        });
    }
    reply
}

type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

/// With a deadline, what has come moves it, and the body's own end with it.
fn bounded(body: Payload, most: usize, deadline: Option<Deadline>) -> BodyStream {
    let late = Box::pin(tokio::time::sleep(BODY_WITHIN));
    let state = (body, late, most, deadline, false);
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
            let end = late.deadline() + Duration::from_secs(1) * more / SLOWEST_FORM;
            late.as_mut().reset(end);
        }
        let failed = item.is_err();
        Some((item, (body, late, left, deadline, failed)))
    });
    // A reader of forms asks once more.
    Box::pin(body.fuse())
}
