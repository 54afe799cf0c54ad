//! A PNG, chunk by chunk, from its signature to the end of IEND. Only padding may follow. Checksums are not verified: they protect
//! against damage and not against an attacker.

use super::file_type::FileType;
use super::picture::{check_pixels, is_padding};
use super::refusal::Refused;

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
const CHECKSUM: u64 = 4;

pub(super) struct Png {
    max_pixels: u32,
    state: State,
    /// What belongs together and has not all come.
    held: Vec<u8>,
    chunks: u64,
}

enum State {
    Signature,
    /// Length and type.
    ChunkHead,
    /// Width and height stand first in the first chunk.
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
        Self { max_pixels, state: State::Signature, held: Vec::new(), chunks: 0 }
    }

    pub fn next(&mut self, byte: u8) -> Result<(), Refused> {
        match self.state {
            State::Signature => {
                if SIGNATURE.get(self.held.len()) != Some(&byte) {
                    return Err(Refused::Not(FileType::Png));
                }
                self.held.push(byte);
                if self.held.len() == SIGNATURE.len() {
                    self.held.clear();
                    self.state = State::ChunkHead;
                }
            }
            State::ChunkHead => {
                self.held.push(byte);
                if let [a, b, c, d, kind @ ..] = &self.held[..]
                    && let Ok(kind) = <[u8; 4]>::try_from(kind)
                {
                    let length = u32::from_be_bytes([*a, *b, *c, *d]);
                    self.held.clear();
                    self.begin_chunk(length, kind)?;
                }
            }
            State::Size { left } => {
                self.held.push(byte);
                if let [a, b, c, d, e, f, g, h] = self.held[..] {
                    check_pixels(u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]), self.max_pixels)?;
                    self.held.clear();
                    self.state = State::ChunkBody { left: left - 8, last: false };
                }
            }
            State::ChunkBody { left: 1, last } => {
                self.state = if last { State::End } else { State::ChunkHead };
            }
            State::ChunkBody { left, last } => self.state = State::ChunkBody { left: left - 1, last },
            State::End if is_padding(byte) => {}
            State::End => return Err(Refused::AfterEnd),
        }
        Ok(())
    }

    fn begin_chunk(&mut self, length: u32, kind: [u8; 4]) -> Result<(), Refused> {
        let first = self.chunks == 0;
        self.chunks += 1;
        let left = u64::from(length) + CHECKSUM;
        self.state = match &kind {
            b"IHDR" if first && length == 13 => State::Size { left },
            b"IEND" if !first && length == 0 => State::ChunkBody { left, last: true },
            b"IHDR" | b"IEND" => return Err(Refused::Content),
            _ if first || !kind.iter().all(u8::is_ascii_alphabetic) || length > i32::MAX as u32 => {
                return Err(Refused::Content);
            }
            _ => State::ChunkBody { left, last: false },
        };
        Ok(())
    }

    pub fn finish(self) -> Result<(), Refused> {
        if matches!(self.state, State::End) { Ok(()) } else { Err(Refused::Content) }
    }
}
