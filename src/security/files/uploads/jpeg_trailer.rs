//! Trailers: data that cameras and picture archives write after the last picture of a JPEG.
//! Trailers are accepted, because photographs must be stored unchanged. Their content is not inspected.
//! Each trailer must be complete and must have one of these structures:
//! - the video of a motion photo: MP4 boxes up to the end of the file (Google, Xiaomi, Oppo);
//! - Samsung's format: blocks, followed by their directory, which begins with `SEFH` and ends with `SEFT`;
//! - AFCP, in which picture archives store captions (IPTC): it begins with the tag `AXS` and ends with a footer.

use std::collections::VecDeque;

use super::refusal::UploadError;

/// How many bytes at the end of the file are buffered. This is enough for a Samsung directory of 300 blocks.
const MAX_DIRECTORY_BYTES: usize = 4096;
/// A trailer begins with at least this many NUL bytes (Samsung's blocks, MP4 boxes), or with `A` (AFCP).
const LEADING_NULS: usize = 2;

pub(super) struct Trailer {
    /// The position at which the last picture ends. The trailer begins here at the earliest and at `content` at the
    /// latest: it can begin with NUL bytes, which look like padding.
    pictures_end: u64,
    /// The position of the first byte after the last picture and its padding.
    content: u64,
    position: u64,
    first: [u8; 4],
    last: VecDeque<u8>,
    video: Video,
}

impl Trailer {
    /// Begins a trailer with the first byte that is not padding. `position` counts the bytes of the file from 1.
    ///
    /// # Errors
    /// [`UploadError::AfterEnd`] if no trailer can begin with this byte.
    pub fn begin(pictures_end: u64, nuls: usize, position: u64, byte: u8) -> Result<Self, UploadError> {
        if nuls < LEADING_NULS && byte != b'A' {
            return Err(UploadError::AfterEnd);
        }
        let content = position - 1;
        let mut trailer = Self {
            pictures_end,
            content,
            position: content,
            first: [0; 4],
            last: VecDeque::new(),
            video: Video::default(),
        };
        // The first MP4 box is shorter than 256 bytes, so its length begins with three NUL bytes. The parser has
        // taken these bytes for padding, so add them here.
        trailer.video.header = vec![0; 3.min(nuls)];
        trailer.next(byte);
        Ok(trailer)
    }

    pub fn next(&mut self, byte: u8) {
        if let Some(place) = usize::try_from(self.position - self.content).ok().and_then(|at| self.first.get_mut(at)) {
            *place = byte;
        }
        self.position += 1;
        self.video.next(byte);
        if self.last.len() == MAX_DIRECTORY_BYTES {
            self.last.pop_front();
        }
        self.last.push_back(byte);
    }

    pub fn finish(mut self) -> Result<(), UploadError> {
        let last = self.last.make_contiguous().to_vec();
        let is_whole = self.video.is_whole() || self.is_afcp(&last) || self.is_samsung(&last).unwrap_or(false);
        if is_whole { Ok(()) } else { Err(UploadError::AfterEnd) }
    }

    /// Returns whether this is a complete AFCP trailer. The footer repeats the tag and contains the start position.
    /// The fourth character of the tag determines the byte order.
    fn is_afcp(&self, last: &[u8]) -> bool {
        let Some((_, [a, x, s, order, start @ .., _, _, _, _])) = last.split_last_chunk::<12>() else { return false };
        let start = match order {
            b'!' => u32::from_be_bytes(*start),
            b'*' => u32::from_le_bytes(*start),
            _ => return false,
        };
        [*a, *x, *s] == *b"AXS" && self.first == [*a, *x, *s, *order] && u64::from(start) == self.content
    }

    /// Returns whether this is a complete Samsung trailer. Its directory lists the size of each block, and the distance
    /// between block and directory. All blocks must be inside the trailer, and the trailer must begin with a block.
    fn is_samsung(&self, last: &[u8]) -> Option<bool> {
        let (rest, length) = last.strip_suffix(b"SEFT")?.split_last_chunk()?;
        let length = u32::from_le_bytes(*length);
        let (_, directory) = rest.split_at_checked(rest.len().checked_sub(usize::try_from(length).ok()?)?)?;
        let (_version, rest) = directory.strip_prefix(b"SEFH")?.split_first_chunk::<4>()?;
        let (count, entries) = rest.split_first_chunk()?;
        let (entries, []) = entries.as_chunks::<12>() else { return None };
        let mut furthest = 0;
        for [_, _, _, _, d0, d1, d2, d3, s0, s1, s2, s3] in entries {
            let distance = u32::from_le_bytes([*d0, *d1, *d2, *d3]);
            if u32::from_le_bytes([*s0, *s1, *s2, *s3]) > distance {
                return None;
            }
            furthest = furthest.max(distance);
        }
        let directory_at = self.position.checked_sub(8 + u64::from(length))?;
        let begin = directory_at.checked_sub(furthest.into())?;
        let is_listed = u32::from_le_bytes(*count).try_into() == Ok(entries.len()) && !entries.is_empty();
        Some(is_listed && (self.pictures_end..=self.content).contains(&begin))
    }
}

#[derive(Default)]
struct Video {
    header: Vec<u8>,
    left: u64,
    boxes: u64,
    is_broken: bool,
}

impl Video {
    fn next(&mut self, byte: u8) {
        if self.left > 0 {
            self.left -= 1;
            return;
        }
        if self.is_broken {
            return;
        }
        self.header.push(byte);
        let (length, header) = match self.header[..] {
            // A length of 1 means that the real length follows in 64 bits.
            [0, 0, 0, 1, _, _, _, _, a, b, c, d, e, f, g, h] => (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 16),
            [0, 0, 0, 1, ..] => return,
            [a, b, c, d, _, _, _, _] => (u64::from(u32::from_be_bytes([a, b, c, d])), 8),
            _ => return,
        };
        let is_next = self.boxes > 0 || self.header.ends_with(b"ftyp");
        match length.checked_sub(header) {
            Some(left) if is_next => self.left = left,
            _ => self.is_broken = true,
        }
        self.boxes += 1;
        self.header.clear();
    }

    fn is_whole(&self) -> bool {
        !self.is_broken && self.boxes > 1 && self.left == 0 && self.header.is_empty()
    }
}
