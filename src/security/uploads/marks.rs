//! Marks of one type inside a file of another. Programs that look for a PDF read its first kilobyte, those that look for an archive
//! the last 64, browsers of old the first half: a file that satisfies two of them is two files.

use super::{FileType, Refused};

/// What makes a browser see a page, in lower case.
const PAGES: [Mark; 6] =
    [mark(b"<script"), mark(b"<html"), mark(b"<svg"), mark(b"<!doctype"), mark(b"<iframe"), mark(b"<?php")];
/// With what a mark can end: at any other byte there is nothing to look for, which is nearly always.
const ENDS: &[u8] = b"tlge-p\x06";
const PDF: Mark = mark(b"%pdf-");
/// The end of an archive's directory, which stands within so many bytes of the end of the file.
const ARCHIVE: Mark = mark(b"pk\x05\x06");
const ARCHIVE_WITHIN: u64 = 22 + 65_535;
/// In which a reader of PDF looks for the beginning.
const PDF_WITHIN: u64 = 1024;

/// Up to 16 bytes as one number, and which of its bits count.
struct Mark {
    value: u128,
    mask: u128,
}

const fn mark(bytes: &[u8]) -> Mark {
    let (mut value, mut mask, mut rest) = (0, 0, bytes);
    while let [byte, more @ ..] = rest {
        value = value << 8 | *byte as u128;
        mask = mask << 8 | 0xff;
        rest = more;
    }
    Mark { value, mask }
}

/// What was seen so far.
pub(super) struct Marks {
    file_type: FileType,
    /// The last 16 bytes in lower case.
    window: u128,
    seen: u64,
    archive_at: Option<u64>,
}

impl Marks {
    pub fn of(file_type: FileType) -> Self {
        Self { file_type, window: 0, seen: 0, archive_at: None }
    }

    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let is_text = matches!(self.file_type, FileType::Csv | FileType::Text);
        for &byte in bytes {
            let byte = byte.to_ascii_lowercase();
            self.window = self.window << 8 | u128::from(byte);
            self.seen += 1;
            if !ENDS.contains(&byte) {
                continue;
            }
            let ends_with = |mark: &Mark| self.window & mark.mask == mark.value;
            // Text may speak of pages; it may not begin as one, which its own walk sees to.
            let is_page = !is_text && PAGES.iter().any(ends_with);
            let is_pdf = self.file_type != FileType::Pdf && self.seen <= PDF_WITHIN && ends_with(&PDF);
            if is_page || is_pdf {
                return Err(Refused::Content);
            }
            if ends_with(&ARCHIVE) {
                self.archive_at = Some(self.seen);
            }
        }
        Ok(())
    }

    pub fn finish(&self) -> Result<(), Refused> {
        let is_archive = self.archive_at.is_some_and(|at| self.seen - at <= ARCHIVE_WITHIN);
        if is_archive { Err(Refused::Content) } else { Ok(()) }
    }
}
