//! Frames, measured by their heads. The parser below keeps a frame whole before it looks at its length, so a head that says
//! a gigabyte would have it collect a gigabyte; and it swallows empty fragments without end and without telling.

use std::io::ErrorKind;
use std::pin::Pin;

use actix_web::dev;
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Payload};
use actix_web::{FromRequest, HttpRequest};
use futures_util::{Stream, StreamExt};

use super::{Budget, FRAMES_A_MINUTE, MOST_FRAME};
use crate::http::error::{ApiError, ApiResult};

/// The longest head: two bytes, eight of length, four of mask.
const LONGEST_HEAD: usize = 14;

/// The payload, failing at the first frame that is too large or one too many.
pub(super) async fn measured(request: &HttpRequest, payload: Payload) -> ApiResult<Payload> {
    let mut heads =
        Heads { head: Vec::with_capacity(LONGEST_HEAD), left: 0, frames: Budget::a_minute(FRAMES_A_MINUTE) };
    let stream = payload.into_inner().map(move |chunk| {
        let chunk = chunk?;
        heads.follow(&chunk)?;
        Ok(chunk)
    });
    let stream: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(stream);
    let mut payload = dev::Payload::Stream { payload: stream };
    Payload::from_request(request, &mut payload).await.map_err(ApiError::internal)
}

/// Where in the stream we are: in a head, or in the payload of which so much is left.
struct Heads {
    head: Vec<u8>,
    left: usize,
    frames: Budget,
}

impl Heads {
    fn follow(&mut self, mut bytes: &[u8]) -> Result<(), PayloadError> {
        loop {
            let (payload, rest) = bytes.split_at(self.left.min(bytes.len()));
            self.left -= payload.len();
            let Some((byte, rest)) = rest.split_first() else { return Ok(()) };
            self.head.push(*byte);
            bytes = rest;
            if let Some(length) = length(&self.head) {
                self.left = usize::try_from(length).unwrap_or(usize::MAX);
                // Reserved bits belong to extensions, and none was agreed to.
                let reserved = self.head.first().is_some_and(|first| first & 0x70 != 0);
                self.head.clear();
                if self.left > MOST_FRAME {
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

/// The payload's length, once the head is whole (RFC 6455 §5.2).
fn length(head: &[u8]) -> Option<u64> {
    let [_, second, rest @ ..] = head else { return None };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (length, more) = match (second & 0x7f, rest) {
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
        (127, [a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 8),
        (126 | 127, _) => return None,
        (short, _) => (u64::from(short), 0),
    };
    // A length that is too large is told without waiting for the mask.
    (rest.len() >= more + mask || length > MOST_FRAME as u64).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads() -> Heads {
        Heads { head: Vec::new(), left: 0, frames: Budget::a_minute(FRAMES_A_MINUTE) }
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
    fn a_frame_is_measured_by_its_head_wherever_the_stream_is_cut() {
        let sound = [frame(0), frame(125), frame(126), frame(MOST_FRAME), frame(1)].concat();
        for cut in [1, 2, 3, 7, 1_000, sound.len()] {
            let mut heads = heads();
            assert!(sound.chunks(cut).all(|chunk| heads.follow(chunk).is_ok()), "{cut}");
            assert!(matches!(heads.follow(&frame(MOST_FRAME + 1)[..4]), Err(PayloadError::Overflow)), "{cut}");
        }
        assert!(matches!(heads().follow(&frame(70_000)[..10]), Err(PayloadError::Overflow)));
        let endless = [&[0x81, 0xff][..], &[0xff; 8]].concat();
        assert!(matches!(heads().follow(&endless), Err(PayloadError::Overflow)));
    }

    #[test]
    fn frames_are_counted() {
        let mut heads = heads();
        let minute = frame(0).repeat(FRAMES_A_MINUTE as usize);
        heads.follow(&minute).unwrap();
        assert!(matches!(heads.follow(&frame(0)), Err(PayloadError::Io(_))));
    }
}
