//! Checks that the parsers of PNG and JPEG share.

use super::refusal::UploadError;

/// Refuses a picture that has too many pixels or no pixels.
pub(super) fn check_pixels(width: u32, height: u32, max: u32) -> Result<(), UploadError> {
    match u64::from(width) * u64::from(height) {
        0 => Err(UploadError::Content),
        pixels if pixels > u64::from(max) => Err(UploadError::Pixels { max }),
        _ => Ok(()),
    }
}

/// Returns whether this byte may follow the end of a picture. Cameras write NUL; editors and mail programs write line
/// breaks.
pub(super) fn is_padding(byte: u8) -> bool {
    matches!(byte, 0 | b'\r' | b'\n')
}
