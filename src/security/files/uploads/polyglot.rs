//! Polyglots: a file of one type that is a file of another too. Readers of PDF look for its beginning in the first kilobyte;
//! programs that unpack archives look for the directory at the end, after any other bytes.
//!
//! These are the only marks that are searched in binary data. An archive with files in it has two marks of four bytes: by chance,
//! one of 25 million files of 10 MiB has both. `%PDF-` in the first kilobyte is rarer still.

use super::file_type::FileType;
use super::refusal::Refused;

const PDF: &[u8; 5] = b"%PDF-";
/// In which readers of PDF look for its beginning, in bytes.
const PDF_WITHIN: u64 = 1024;

/// An entry of a ZIP archive's central directory: an archive without one has no files.
const ZIP_ENTRY: u32 = u32::from_be_bytes(*b"PK\x01\x02");
/// The end of the central directory. It stands so many bytes before the end of the file at most: 22, and a comment.
const ZIP_END: u32 = u32::from_be_bytes(*b"PK\x05\x06");
const ZIP_END_WITHIN: u64 = 22 + 65_535;

/// The marks that were seen so far.
pub(super) struct Polyglot {
    is_pdf: bool,
    /// The last four bytes.
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

    pub fn next(&mut self, byte: u8) -> Result<(), Refused> {
        self.last = self.last << 8 | u32::from(byte);
        self.seen += 1;
        match self.last {
            ZIP_ENTRY => self.has_entry = true,
            ZIP_END if self.has_entry => self.zip_end = Some(self.seen),
            _ => {}
        }
        if self.seen <= PDF_WITHIN && !self.is_pdf {
            self.pdf_matched = match PDF.get(self.pdf_matched) {
                Some(expected) if *expected == byte => self.pdf_matched + 1,
                _ => usize::from(byte == b'%'),
            };
            if self.pdf_matched == PDF.len() {
                return Err(Refused::PdfInside);
            }
        }
        Ok(())
    }

    pub fn finish(&self) -> Result<(), Refused> {
        // The mark's four bytes have passed already.
        let is_archive = self.zip_end.is_some_and(|end| self.seen - end + 4 <= ZIP_END_WITHIN);
        if is_archive { Err(Refused::Archive) } else { Ok(()) }
    }
}
