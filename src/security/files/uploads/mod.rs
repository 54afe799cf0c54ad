//! Unrestricted file upload: the content of files is inspected, from the first byte to the last (CWE-434, CWE-409,
//! API8:2023).
//!
//! **Attack**: a file whose name or declared type is wrong; a polyglot, which is valid as two types at once (a picture
//! that is also an archive); a decompression bomb (a picture with too many pixels); a document with active content.
//! **Control**: five types of files are allowed. The extension of the file name determines the type.
//! The content must have that type, and a declared media type must not contradict it ([`FileType::expected`]).
//! The service parses the structure of the content while it arrives, in a few kilobytes of memory.
//! After the end of a picture, only padding, further pictures and the trailers of cameras may follow.
//! Text must be UTF-8 without control characters. A PDF is also parsed in a separate process ([`pdf`]).
//!
//! Binary data is not searched for markup, because the search would refuse valid files.
//! Compressed bytes contain any short word by chance, and Photoshop writes `<!DOCTYPE plist>` into pictures.
//! The headers of a download make such markup harmless: with `nosniff`, a browser does not search for markup.
//! `attachment` makes the browser save the file. If the browser displays the file anyway, `sandbox` in the content
//! security policy separates it from our origin.
//!
//! **Limits**: an attacker can hide data in the metadata of a picture.
//! A file can exploit a bug of the program that opens it. A virus scanner can reduce this risk.
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
pub use refusal::{PdfFault, UploadError};

/// Inspects the bytes of a file while they arrive.
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

    /// # Errors
    /// [`UploadError`] at the first byte that shows that the file must be refused.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
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

    /// Completes the inspection at the end of the file.
    ///
    /// # Errors
    /// [`UploadError`] if the file is empty, incomplete, or a polyglot.
    pub fn finish(self) -> Result<(), UploadError> {
        if self.is_empty {
            return Err(UploadError::Empty);
        }
        match self.format {
            Format::Pdf(pdf) if !pdf.is_whole() => return Err(UploadError::Content),
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
