//! Unrestricted upload of files (CWE-434): content decides what a file is, from its first byte to its last.
//!
//! **Attack**: a file whose name or declared type lies; a polyglot, which is two files at once (a picture that is also an archive);
//! a decompression bomb of pixels; a document with active content.
//! **Control**: five types, by allow-list. The ending of the name says which one is expected; the content must be of that type,
//! and a declared media type must not contradict it ([`FileType::agreed`]). The content is walked by its structure while it
//! streams by, in a few kilobytes of memory. A picture ends where its format says; only padding, further pictures and the trailers
//! that cameras write may follow. Text is UTF-8 without control characters.
//! No format's walk searches for markup in binary data: compressed bytes contain every short word by chance, and Photoshop
//! writes `<!DOCTYPE plist` into sound pictures. A browser would not find it there either. It trusts the declared type, because
//! every reply says `nosniff`; without it, it looks at a file's first bytes only, and those are checked. `attachment` makes it
//! save the file instead of showing it, and `sandbox` takes the origin from a file that is shown after all.
//! A PDF is then parsed by its structure, in a process of its own ([`pdf`]).
//! **Limits**: data in a picture's metadata; a file that exploits a fault of its reader (that takes a scanner).
//! **ASVS**: 5.1.1, 5.2.2, 5.2.3, 5.2.6 · **Test**: `attacks::files::uploads`

mod file_type;
mod jpeg;
mod jpeg_trailer;
pub mod pdf;
mod png;
mod polyglot;
mod text;

pub use file_type::FileType;
pub use pdf::{PdfFault, PdfInspector};
use polyglot::Polyglot;

use crate::http::error::ApiError;

/// Why a file is refused, and what to do about it. It repeats nothing of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("must have a file name that ends in .pdf, .png, .jpg, .jpeg, .jpe, .jfif, .csv or .txt")]
    Name,
    #[error(
        "has a Content-Type that does not fit its file name: send application/pdf with .pdf, image/png with .png, image/jpeg \
         with .jpg, text/csv with .csv, text/plain with .txt; or application/octet-stream, or no Content-Type"
    )]
    DeclaredType,
    #[error("is declared in another character set: save the file as UTF-8, and send charset=utf-8 or no charset")]
    DeclaredCharset,
    #[error("has no content: upload a file that is not empty")]
    Empty,
    #[error("is not a {} file, although its name says so: correct the name, or save it as {}", .0.name(), .0.name())]
    Not(FileType),
    #[error("is damaged or incomplete: open it, save it again and upload the new file")]
    Content,
    #[error("has other data after the end of the picture: open it, save it again and upload the new file")]
    AfterEnd,
    #[error("is a ZIP archive too: upload the files without the archive")]
    Archive,
    #[error("has a PDF within its first 1024 bytes: upload the PDF itself, under a name that ends in .pdf")]
    PdfInside,
    #[error("{0}")]
    Pdf(PdfFault),
    #[error("has more than {} million pixels: scale the picture down and upload the smaller one", f64::from(*.max) / 1e6)]
    Pixels { max: u32 },
    #[error("is text in UTF-16: save the file as UTF-8 (in Excel: \"CSV UTF-8\") and upload the new file")]
    Utf16,
    #[error(
        "is not text in UTF-8, at line {line}, character {character}: save the file as UTF-8 (in Excel: \"CSV UTF-8\") and \
         upload the new file"
    )]
    NotUtf8 { line: u64, character: u64 },
    #[error(
        "has a control character (U+{:04X}) at line {line}, character {character}: remove it and upload the new file",
        u32::from(*.control)
    )]
    Control { control: char, line: u64, character: u64 },
    #[error("begins with a tag, as a web page does: begin the file with other text")]
    Markup,
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        Self::invalid("/file", refused.to_string())
    }
}

/// Inspects a file while it streams by.
pub struct Inspector {
    is_empty: bool,
    polyglot: Polyglot,
    format: Format,
}

enum Format {
    Pdf(pdf::Pdf),
    Png(png::Png),
    Jpeg(jpeg::Jpeg),
    Text(text::Text),
}

impl Inspector {
    /// Begins with a file that should be of this type. A picture may have `max_pixels`.
    #[must_use]
    pub fn new(file_type: FileType, max_pixels: u32) -> Self {
        let format = match file_type {
            FileType::Pdf => Format::Pdf(pdf::Pdf::default()),
            FileType::Png => Format::Png(png::Png::new(max_pixels)),
            FileType::Jpeg => Format::Jpeg(jpeg::Jpeg::new(max_pixels)),
            FileType::Csv | FileType::Text => Format::Text(text::Text::default()),
        };
        Self { is_empty: true, polyglot: Polyglot::new(file_type), format }
    }

    /// Inspects the next bytes, in pieces of any size.
    ///
    /// # Errors
    /// As soon as it is clear that the file is refused.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.is_empty &= bytes.is_empty();
        for &byte in bytes {
            match &mut self.format {
                Format::Pdf(pdf) => pdf.next(byte)?,
                Format::Png(png) => png.next(byte)?,
                Format::Jpeg(jpeg) => jpeg.next(byte)?,
                Format::Text(text) => text.next(byte)?,
            }
            self.polyglot.next(byte)?;
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The file is not whole, or is another file too.
    pub fn finish(self) -> Result<(), Refused> {
        if self.is_empty {
            return Err(Refused::Empty);
        }
        match self.format {
            Format::Pdf(pdf) if !pdf.is_whole() => return Err(Refused::Content),
            Format::Pdf(_) => {}
            Format::Png(png) => png.finish()?,
            Format::Jpeg(jpeg) => jpeg.finish()?,
            Format::Text(text) => text.finish()?,
        }
        self.polyglot.finish()
    }
}

/// Refuses a picture with too many pixels, or none.
fn check_pixels(width: u32, height: u32, max: u32) -> Result<(), Refused> {
    match u64::from(width) * u64::from(height) {
        0 => Err(Refused::Content),
        pixels if pixels > u64::from(max) => Err(Refused::Pixels { max }),
        _ => Ok(()),
    }
}

/// Whether this byte may pad a picture after its end: NUL, as cameras do, or the end of a line, as editors and mail do.
fn is_padding(byte: u8) -> bool {
    matches!(byte, 0 | b'\r' | b'\n')
}

#[cfg(test)]
mod tests;
