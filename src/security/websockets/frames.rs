//! Limits the size and number of WebSocket frames. The frame headers are checked before actix-ws buffers the payloads.
//!
//! actix-ws alone buffers a whole frame before it checks the size. So a client could make the service buffer 1 GB.
//! actix-ws also accepts an endless number of empty fragments.

use std::io::ErrorKind;
use std::pin::Pin;

use actix_web::dev;
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Payload};
use actix_web::{FromRequest, HttpRequest};
use futures_util::{Stream, StreamExt};

use super::{Budget, MAX_FRAME_BYTES, MAX_FRAMES_PER_MINUTE};
use crate::http::error::{ApiError, ApiResult};

/// The maximum length of a frame header: two bytes, eight of extended length, and four of masking key.
const MAX_HEADER_BYTES: usize = 14;

/// Wraps the payload of a handshake. The new payload returns an error if a frame is too large or frames come too often.
pub(super) async fn limited(request: &HttpRequest, payload: Payload) -> ApiResult<Payload> {
    let mut headers = FrameHeaders {
        header: Vec::with_capacity(MAX_HEADER_BYTES),
        left: 0,
        frames: Budget::per_minute(MAX_FRAMES_PER_MINUTE),
    };
    let stream = payload.into_inner().map(move |chunk| {
        let chunk = chunk?;
        headers.inspect(&chunk)?;
        Ok(chunk)
    });
    let stream: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(stream);
    let mut payload = dev::Payload::Stream { payload: stream };
    Payload::from_request(request, &mut payload).await.map_err(ApiError::internal)
}

/// Finds the frame headers in the byte stream and checks them. It skips the payloads.
struct FrameHeaders {
    header: Vec<u8>,
    /// How many bytes of the current payload have not arrived yet.
    left: usize,
    frames: Budget,
}

impl FrameHeaders {
    fn inspect(&mut self, mut bytes: &[u8]) -> Result<(), PayloadError> {
        loop {
            let (payload, rest) = bytes.split_at(self.left.min(bytes.len()));
            self.left -= payload.len();
            let Some((byte, rest)) = rest.split_first() else { return Ok(()) };
            self.header.push(*byte);
            bytes = rest;
            if let Some(length) = payload_length(&self.header) {
                self.left = usize::try_from(length).unwrap_or(usize::MAX);
                // The reserved bits belong to extensions (RFC 6455 §5.2). The handshake accepts no extension.
                let reserved = self.header.first().is_some_and(|first| first & 0x70 != 0);
                self.header.clear();
                if self.left > MAX_FRAME_BYTES {
                    return Err(PayloadError::Overflow);
                }
                if reserved {
                    return Err(PayloadError::Io(ErrorKind::Unsupported.into()));
                }
                if !self.frames.spend() {
                    return Err(PayloadError::Io(ErrorKind::QuotaExceeded.into()));
                }
            }
        }
    }
}

/// Returns the payload length of a frame (RFC 6455 §5.2), or `None` if its header is not complete yet.
fn payload_length(header: &[u8]) -> Option<u64> {
    let [_, second, rest @ ..] = header else { return None };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (length, more) = match (second & 0x7f, rest) {
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
        (127, [a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 8),
        (126 | 127, _) => return None,
        (short, _) => (u64::from(short), 0),
    };
    // A length over the limit is returned before the masking key has arrived, so it is rejected immediately.
    (rest.len() >= more + mask || length > MAX_FRAME_BYTES as u64).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> FrameHeaders {
        FrameHeaders { header: Vec::new(), left: 0, frames: Budget::per_minute(MAX_FRAMES_PER_MINUTE) }
    }

    fn frame(length: usize) -> Vec<u8> {
        let mut frame = vec![0x81];
        match length {
            0..126 => frame.push(0x80 | length as u8),
            126..65_536 => frame.extend([&[0x80 | 126][..], &(length as u16).to_be_bytes()].concat()),
            _ => frame.extend([&[0x80 | 127][..], &(length as u64).to_be_bytes()].concat()),
        }
        frame.extend([0; 4]);
        frame.extend(vec![b'x'; length]);
        frame
    }

    #[test]
    fn frame_size_is_limited_by_the_header_wherever_the_stream_is_split() {
        let valid = [frame(0), frame(125), frame(126), frame(MAX_FRAME_BYTES), frame(1)].concat();
        for cut in [1, 2, 3, 7, 1_000, valid.len()] {
            let mut headers = headers();
            assert!(valid.chunks(cut).all(|chunk| headers.inspect(chunk).is_ok()), "{cut}");
            assert!(matches!(headers.inspect(&frame(MAX_FRAME_BYTES + 1)[..4]), Err(PayloadError::Overflow)), "{cut}");
        }
        assert!(matches!(headers().inspect(&frame(70_000)[..10]), Err(PayloadError::Overflow)));
        let huge = [&[0x81, 0xff][..], &[0xff; 8]].concat();
        assert!(matches!(headers().inspect(&huge), Err(PayloadError::Overflow)));
    }

    #[test]
    fn frames_per_minute_are_limited() {
        let mut headers = headers();
        let minute = frame(0).repeat(MAX_FRAMES_PER_MINUTE as usize);
        headers.inspect(&minute).unwrap();
        assert!(matches!(headers.inspect(&frame(0)), Err(PayloadError::Io(_))));
    }
}
