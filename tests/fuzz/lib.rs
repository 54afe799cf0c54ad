//! The common code of the fuzz targets: inspects a file as the service does, and checks every accepted file.

use strongroom::security::files::uploads::{FileType, Inspector};

const MAX_PIXELS: u32 = 110_000_000;
/// The directory of a ZIP archive ends with a record of 22 bytes and a comment of at most 65,535 bytes.
const ZIP_END_SEARCH_BYTES: usize = 22 + 65_535;

/// Returns whether the inspection accepts the file, as a whole and in small pieces.
#[must_use]
pub fn is_accepted(file_type: FileType, file: &[u8]) -> bool {
    let in_pieces_of = |size: usize| {
        let mut inspector = Inspector::new(file_type, MAX_PIXELS);
        file.chunks(size).try_for_each(|piece| inspector.feed(piece))?;
        inspector.finish()
    };
    let answer = in_pieces_of(7);
    assert_eq!(answer, in_pieces_of(file.len().max(1)));
    if answer.is_ok() {
        let has = |part: &[u8], mark: &[u8]| part.windows(mark.len()).any(|window| window == mark);
        let end = file.windows(4).rposition(|mark| mark == b"PK\x05\x06");
        let end = end.filter(|at| file.len() - at <= ZIP_END_SEARCH_BYTES);
        assert!(end.is_none_or(|end| !has(&file[..end], b"PK\x01\x02")), "an accepted file must not be a ZIP archive");
        assert!(file_type == FileType::Pdf || !has(&file[..file.len().min(1024)], b"%PDF-"), "a PDF too");
    }
    answer.is_ok()
}
