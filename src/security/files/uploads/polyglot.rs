//! Detects polyglots: files of one type that are also valid as another type.
//! PDF readers search the first kilobyte for the PDF header, so a picture could also be a PDF.
//! Archive programs search the end of the file for the directory of a ZIP archive, so a picture could also be an
//! archive.
//!
//! The service only searches for signatures that rarely occur by chance, so that valid files are not refused.
//! By chance, one of 25 million files of 10 MiB contains both ZIP signatures.

use super::file_type::FileType;
use super::refusal::UploadError;

const PDF: &[u8; 5] = b"%PDF-";
/// The number of bytes at the beginning of a file in which PDF readers search for the header.
const PDF_SEARCH_BYTES: u64 = 1024;

/// The signature of an entry in the central directory of a ZIP archive. An archive without an entry is harmless.
const ZIP_ENTRY: u32 = u32::from_be_bytes(*b"PK\x01\x02");
/// The signature of the record at the end of the central directory. The record has 22 bytes, followed by a comment of
/// at most 65,535 bytes.
const ZIP_END: u32 = u32::from_be_bytes(*b"PK\x05\x06");
const ZIP_END_SEARCH_BYTES: u64 = 22 + 65_535;

pub(super) struct Polyglot {
    is_pdf: bool,
    last: u32,
    seen: u64,
    pdf_matched: usize,
    has_entry: bool,
    zip_end: Option<u64>,
}

impl Polyglot {
    pub fn new(file_type: FileType) -> Self {
        let is_pdf = file_type == FileType::Pdf;
        Self { is_pdf, last: 0, seen: 0, pdf_matched: 0, has_entry: false, zip_end: None }
    }

    pub fn next(&mut self, byte: u8) -> Result<(), UploadError> {
        self.last = self.last << 8 | u32::from(byte);
        self.seen += 1;
        match self.last {
            ZIP_ENTRY => self.has_entry = true,
            ZIP_END if self.has_entry => self.zip_end = Some(self.seen),
            _ => {}
        }
        if self.seen <= PDF_SEARCH_BYTES && !self.is_pdf {
            self.pdf_matched = match PDF.get(self.pdf_matched) {
                Some(expected) if *expected == byte => self.pdf_matched + 1,
                _ => usize::from(byte == b'%'),
            };
            if self.pdf_matched == PDF.len() {
                return Err(UploadError::PdfInside);
            }
        }
        Ok(())
    }

    pub fn finish(&self) -> Result<(), UploadError> {
        // `end` is the position after the four bytes of the `ZIP_END` signature. The end record begins with this
        // signature, so it begins at `end - 4`.
        let is_archive = self.zip_end.is_some_and(|end| self.seen - end + 4 <= ZIP_END_SEARCH_BYTES);
        if is_archive { Err(UploadError::Archive) } else { Ok(()) }
    }
}
