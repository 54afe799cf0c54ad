//! Parses a JPEG marker by marker, from the start of image (SOI) to the end of image (EOI).
//! Only padding, further pictures (Multi-Picture Format, gain maps) and one trailer
//! ([`jpeg_trailer`](super::jpeg_trailer)) may follow the end of image.

use super::file_type::FileType;
use super::jpeg_trailer::Trailer;
use super::picture::{check_pixels, is_padding};
use super::refusal::UploadError;

const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

pub(super) struct Jpeg {
    max_pixels: u32,
    state: State,
    has_size: bool,
    has_scan: bool,
    position: u64,
}

#[derive(Default)]
enum State {
    #[default]
    Start,
    StartKind,
    Marker,
    MarkerKind,
    Length(u8),
    LengthEnd(u8, u8),
    /// The parser expects the precision, height and width of a frame.
    Frame {
        left: u16,
        buffer: [u8; 5],
        count: usize,
    },
    Segment {
        left: u16,
        scan: bool,
    },
    /// The parser reads compressed pixels, until the next marker.
    Scan,
    ScanMarker,
    /// A picture has ended at byte `at`. Only padding has followed so far. Its last `nuls` bytes are NUL.
    End {
        at: u64,
        nuls: usize,
    },
    Trailer(Box<Trailer>),
}

impl Jpeg {
    pub fn new(max_pixels: u32) -> Self {
        Self { max_pixels, state: State::Start, has_size: false, has_scan: false, position: 0 }
    }

    pub fn next(&mut self, byte: u8) -> Result<(), UploadError> {
        self.position += 1;
        self.state = match std::mem::take(&mut self.state) {
            State::Start | State::End { .. } if byte == 0xff => State::StartKind,
            State::StartKind if byte == START_OF_IMAGE => State::Marker,
            // After the end of a picture (not at the beginning of the file), 0xff must begin another picture.
            State::StartKind if self.position > 2 => return Err(UploadError::AfterEnd),
            State::Start | State::StartKind => return Err(UploadError::Not(FileType::Jpeg)),
            State::End { at, nuls } if is_padding(byte) => {
                State::End { at, nuls: if byte == 0 { nuls + 1 } else { 0 } }
            }
            State::End { at, nuls } => State::Trailer(Trailer::begin(at, nuls, self.position, byte)?.into()),
            State::Trailer(mut trailer) => {
                trailer.next(byte);
                State::Trailer(trailer)
            }
            State::Marker if byte == 0xff => State::MarkerKind,
            State::Marker => return Err(UploadError::Content),
            State::MarkerKind => self.marker(byte)?,
            State::Length(kind) => State::LengthEnd(kind, byte),
            State::LengthEnd(kind, high) => self.segment(kind, u16::from_be_bytes([high, byte]))?,
            State::Frame { left, buffer, count } => self.frame(byte, left, buffer, count)?,
            State::Segment { left: 1, scan: true } => State::Scan,
            State::Segment { left: 1, scan: false } => State::Marker,
            State::Segment { left, scan } => State::Segment { left: left - 1, scan },
            State::Scan if byte == 0xff => State::ScanMarker,
            State::Scan => State::Scan,
            // Within compressed pixels, 0xff 0x00 is an escaped 0xff, and 0xd0 to 0xd7 are restart markers.
            State::ScanMarker if byte == 0 || (0xd0..=0xd7).contains(&byte) => State::Scan,
            State::ScanMarker if byte == 0xff => State::ScanMarker,
            State::ScanMarker => self.marker(byte)?,
        };
        Ok(())
    }

    fn marker(&mut self, kind: u8) -> Result<State, UploadError> {
        match kind {
            END_OF_IMAGE if self.has_size && self.has_scan => {
                (self.has_size, self.has_scan) = (false, false);
                Ok(State::End { at: self.position, nuls: 0 })
            }
            // Any number of fill bytes (0xff) may precede the second byte of a marker.
            0xff => Ok(State::MarkerKind),
            0xc0..=0xcf | START_OF_SCAN..=0xfe => Ok(State::Length(kind)),
            _ => Err(UploadError::Content),
        }
    }

    fn segment(&mut self, kind: u8, length: u16) -> Result<State, UploadError> {
        // The length of a segment includes the two bytes of the length itself.
        let left = length.checked_sub(2).ok_or(UploadError::Content)?;
        let is_frame = matches!(kind, 0xc0..=0xcf) && !matches!(kind, 0xc4 | 0xc8 | 0xcc);
        match kind {
            _ if is_frame && (self.has_size || left < 6) => Err(UploadError::Content),
            _ if is_frame => Ok(State::Frame { left, buffer: [0; 5], count: 0 }),
            START_OF_SCAN if !self.has_size || left == 0 => Err(UploadError::Content),
            START_OF_SCAN => {
                self.has_scan = true;
                Ok(State::Segment { left, scan: true })
            }
            _ if left == 0 => Ok(State::Marker),
            _ => Ok(State::Segment { left, scan: false }),
        }
    }

    fn frame(&mut self, byte: u8, left: u16, mut buffer: [u8; 5], count: usize) -> Result<State, UploadError> {
        if let Some(place) = buffer.get_mut(count) {
            *place = byte;
        }
        if count < 4 {
            return Ok(State::Frame { left, buffer, count: count + 1 });
        }
        let [_, h1, h2, w1, w2] = buffer;
        check_pixels(u16::from_be_bytes([w1, w2]).into(), u16::from_be_bytes([h1, h2]).into(), self.max_pixels)?;
        self.has_size = true;
        Ok(State::Segment { left: left - 5, scan: false })
    }

    pub fn finish(self) -> Result<(), UploadError> {
        match self.state {
            State::End { .. } => Ok(()),
            State::Trailer(trailer) => trailer.finish(),
            _ => Err(UploadError::Content),
        }
    }
}
