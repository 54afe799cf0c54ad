//! Ignores `Content-Length` in the parts of a form, as RFC 7578 §4.8 requires.
//! OkHttp, Guzzle and Spring send this header.
//!
//! actix-multipart trusts `Content-Length` (parser differential, CWE-436).
//! If the value is too small, the parser drops the rest of the file.
//! If the value is too large, the parser reads the next part as a piece of the file, while a proxy sees two parts.
//! So this module renames the header before the form is parsed, and changes no other byte.

use actix_web::web::{Bytes, BytesMut};

const NAME: &[u8] = b"content-length";
const HEAD_END: u32 = u32::from_be_bytes(*b"\r\n\r\n");

/// Finds part headers in a body that arrives in chunks of any size.
pub(super) struct PartLengths {
    delimiter: Vec<u8>,
    state: ParserState,
}

/// The state of the parser.
enum ParserState {
    /// Inside the content of a part. The last `matched` bytes are the beginning of the delimiter.
    Content { matched: usize },
    /// Inside the head of a part. `last` contains the last four bytes. The current line begins with `matched` bytes of
    /// `content-length`, or with another name (`None`).
    Head { last: u32, matched: Option<usize> },
}

impl PartLengths {
    pub fn new(boundary: &str) -> Self {
        // No line break precedes the first delimiter of a form, so the two bytes of the line break count as matched.
        Self { delimiter: format!("\r\n--{boundary}").into_bytes(), state: ParserState::Content { matched: 2 } }
    }

    /// Renames each `Content-Length` of a part to `Content-Lengtx`, which has the same length. The parser ignores it.
    pub fn rename(&mut self, bytes: Bytes) -> Bytes {
        let mut bytes = BytesMut::from(bytes);
        for byte in bytes.iter_mut() {
            self.advance(byte);
        }
        bytes.freeze()
    }

    fn advance(&mut self, byte: &mut u8) {
        self.state = match self.state {
            ParserState::Content { matched } => {
                let matched = match self.delimiter.get(matched) {
                    Some(expected) if expected == byte => matched + 1,
                    // After a mismatch, only a carriage return can begin a new match: it is the first byte of the
                    // delimiter, and occurs nowhere else in it.
                    _ => usize::from(*byte == b'\r'),
                };
                if matched == self.delimiter.len() {
                    ParserState::Head { last: 0, matched: None }
                } else {
                    ParserState::Content { matched }
                }
            }
            ParserState::Head { last, matched } => {
                let last = last << 8 | u32::from(*byte);
                let continues = |at: &usize| NAME.get(*at).is_some_and(|expected| byte.eq_ignore_ascii_case(expected));
                let matched = match matched.filter(continues) {
                    Some(at) if at + 1 == NAME.len() => {
                        *byte = b'x';
                        None
                    }
                    Some(at) => Some(at + 1),
                    None => (*byte == b'\n').then_some(0),
                };
                if last == HEAD_END { ParserState::Content { matched: 0 } } else { ParserState::Head { last, matched } }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the renamed body, and checks that chunks of every size give the same result.
    fn renamed(body: &str) -> String {
        let by = |size: usize| -> Vec<u8> {
            let mut lengths = PartLengths::new("b");
            body.as_bytes().chunks(size).flat_map(|piece| lengths.rename(Bytes::copy_from_slice(piece))).collect()
        };
        let whole = by(body.len());
        for size in 1..body.len() {
            assert_eq!(by(size), whole);
        }
        String::from_utf8(whole).unwrap()
    }

    #[test]
    fn length_in_a_head_is_renamed() {
        let body = "--b\r\nContent-Length: 1\r\nA: content-length\r\n\r\nx\r\n--b\r\nA: b\r\ncontent-LENGTH:2\r\n\r\nxy\r\n--b--\r\n";
        let expected = "--b\r\nContent-Lengtx: 1\r\nA: content-length\r\n\r\nx\r\n--b\r\nA: b\r\ncontent-LENGTx:2\r\n\r\nxy\r\n--b--\r\n";
        assert_eq!(renamed(body), expected);
    }

    #[test]
    fn content_is_never_changed() {
        for content in
            ["\r\nContent-Length: 1\r\n\r\n", "\r\n-\r\r\n-b\r\nContent-Length: 1", "--b\r\nContent-Length: 1\r\n\r\n"]
        {
            let body = format!("--b\r\nA: b\r\n\r\n{content}\r\n--b--\r\n");
            assert_eq!(renamed(&body), body, "{content:?}");
        }
    }
}
