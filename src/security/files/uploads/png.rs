//! Parses a PNG chunk by chunk, from its signature to the chunk `IEND`. Only padding may follow.
//! Checksums are not verified: an attacker can compute valid checksums, so they only detect damage.

use super::file_type::FileType;
use super::picture::{check_pixels, is_padding};
use super::refusal::UploadError;

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
const CHECKSUM: u64 = 4;

pub(super) struct Png {
    max_pixels: u32,
    state: State,
    /// The bytes of a field that has not arrived completely.
    buffer: Vec<u8>,
    chunks: u64,
}

enum State {
    Signature,
    ChunkHead,
    /// The parser expects the width and height, which are at the beginning of the first chunk.
    Size {
        left: u64,
    },
    ChunkBody {
        left: u64,
        last: bool,
    },
    End,
}

impl Png {
    pub fn new(max_pixels: u32) -> Self {
        Self { max_pixels, state: State::Signature, buffer: Vec::new(), chunks: 0 }
    }

    pub fn next(&mut self, byte: u8) -> Result<(), UploadError> {
        match self.state {
            State::Signature => {
                if SIGNATURE.get(self.buffer.len()) != Some(&byte) {
                    return Err(UploadError::Not(FileType::Png));
                }
                self.buffer.push(byte);
                if self.buffer.len() == SIGNATURE.len() {
                    self.buffer.clear();
                    self.state = State::ChunkHead;
                }
            }
            State::ChunkHead => {
                self.buffer.push(byte);
                if let [a, b, c, d, kind @ ..] = &self.buffer[..]
                    && let Ok(kind) = <[u8; 4]>::try_from(kind)
                {
                    let length = u32::from_be_bytes([*a, *b, *c, *d]);
                    self.buffer.clear();
                    self.begin_chunk(length, kind)?;
                }
            }
            State::Size { left } => {
                self.buffer.push(byte);
                if let [a, b, c, d, e, f, g, h] = self.buffer[..] {
                    check_pixels(u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]), self.max_pixels)?;
                    self.buffer.clear();
                    self.state = State::ChunkBody { left: left - 8, last: false };
                }
            }
            State::ChunkBody { left: 1, last } => {
                self.state = if last { State::End } else { State::ChunkHead };
            }
            State::ChunkBody { left, last } => self.state = State::ChunkBody { left: left - 1, last },
            State::End if is_padding(byte) => {}
            State::End => return Err(UploadError::AfterEnd),
        }
        Ok(())
    }

    fn begin_chunk(&mut self, length: u32, kind: [u8; 4]) -> Result<(), UploadError> {
        let first = self.chunks == 0;
        self.chunks += 1;
        let left = u64::from(length) + CHECKSUM;
        self.state = match &kind {
            b"IHDR" if first && length == 13 => State::Size { left },
            b"IEND" if !first && length == 0 => State::ChunkBody { left, last: true },
            b"IHDR" | b"IEND" => return Err(UploadError::Content),
            _ if first || !kind.iter().all(u8::is_ascii_alphabetic) || length > i32::MAX as u32 => {
                return Err(UploadError::Content);
            }
            _ => State::ChunkBody { left, last: false },
        };
        Ok(())
    }

    pub fn finish(self) -> Result<(), UploadError> {
        if matches!(self.state, State::End) { Ok(()) } else { Err(UploadError::Content) }
    }
}
