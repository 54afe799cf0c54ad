//! The checks that the PNG parser and the JPEG parser have in common.

use super::refusal::UploadError;

/// Refuses a picture that has too many pixels (decompression bomb) or no pixels.
pub(super) fn check_pixels(width: u32, height: u32, max: u32) -> Result<(), UploadError> {
    match u64::from(width) * u64::from(height) {
        0 => Err(UploadError::Content),
        pixels if pixels > u64::from(max) => Err(UploadError::Pixels { max }),
        _ => Ok(()),
    }
}

/// Returns whether this byte may follow the end of a picture. Cameras append NUL bytes, and editors line breaks.
pub(super) fn is_padding(byte: u8) -> bool {
    matches!(byte, 0 | b'\r' | b'\n')
}
