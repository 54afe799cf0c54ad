//! Checks shared by the parsers of PNG and JPEG.

use super::refusal::UploadError;

/// Refuses a picture with too many pixels, or none.
pub(super) fn check_pixels(width: u32, height: u32, max: u32) -> Result<(), UploadError> {
    match u64::from(width) * u64::from(height) {
        0 => Err(UploadError::Content),
        pixels if pixels > u64::from(max) => Err(UploadError::Pixels { max }),
        _ => Ok(()),
    }
}

/// Whether this byte may follow the end of a picture: NUL (written by cameras), or a line break (by editors and mail).
pub(super) fn is_padding(byte: u8) -> bool {
    matches!(byte, 0 | b'\r' | b'\n')
}
