//! What the walks of PNG and JPEG have in common.

use super::refusal::Refused;

/// Refuses a picture with too many pixels, or none.
pub(super) fn check_pixels(width: u32, height: u32, max: u32) -> Result<(), Refused> {
    match u64::from(width) * u64::from(height) {
        0 => Err(Refused::Content),
        pixels if pixels > u64::from(max) => Err(Refused::Pixels { max }),
        _ => Ok(()),
    }
}

/// Whether this byte may pad a picture after its end: NUL, as cameras do, or the end of a line, as editors and mail do.
pub(super) fn is_padding(byte: u8) -> bool {
    matches!(byte, 0 | b'\r' | b'\n')
}
