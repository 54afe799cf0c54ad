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

mod declared_type;
mod file_type;
mod jpeg;
mod jpeg_trailer;
pub mod pdf;
mod picture;
mod png;
mod polyglot;
mod refusal;
mod text;

pub use file_type::FileType;
pub use pdf::PdfInspector;
use polyglot::Polyglot;
pub use refusal::{PdfFault, Refused};

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

#[cfg(test)]
mod tests;
