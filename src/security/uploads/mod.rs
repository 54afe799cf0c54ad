//! A file is what it says it is, and nothing else besides.
//!
//! **Abuse**: a file that is two things at once (a picture that is also an archive, a PDF that is also a page with a script), one
//! whose name or declared type lies, one that unpacks to gigapixels, one that acts when it is opened. **How**: five types, by
//! allow-list. Declared type, ending and content must agree; the content is walked as it streams by, from its first byte to its
//! last, with a few bytes of memory: a picture ends where its format says, and nothing follows; text is UTF-8 without control
//! characters and does not begin like a page; no type may hold marks of another. No parser of PDF runs in this process (one took
//! a whole process down with 21 kB: RUSTSEC-2026-0187). What passes is still only ever sent as an attachment that is not sniffed.
//! **Not stopped**: what hides in compressed parts of a PDF, and malware that is a sound file of its type: that takes a scanner.
//! **ASVS** 5.1.1, 5.2.2, 5.2.3, 5.2.6 · **Attack** `attacks::uploads`

mod jpeg;
mod marks;
mod pdf;
mod png;
mod text;

use marks::Marks;

use crate::http::error::ApiError;

/// Largest picture, in pixels: a photograph has 12 to 50 million, and whoever shows it needs four bytes for each.
pub const MOST_PIXELS: u64 = 40_000_000;

/// What may be uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    Pdf,
    Png,
    Jpeg,
    Csv,
    Text,
}

/// Why a file is not taken. It says what is expected and repeats nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("must be PDF, PNG, JPEG, CSV or plain text in UTF-8")]
    Type,
    #[error("must have a name that ends as its type says")]
    Name,
    #[error("must hold what its type says, from the first byte to the last, and nothing else")]
    Content,
    #[error("must not act by itself: no scripts, actions, forms or embedded files")]
    Active,
    #[error("must have at most 40 million pixels")]
    Pixels,
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        Self::invalid("/file", refused.to_string())
    }
}

impl FileType {
    /// Their registered names.
    pub const MEDIA_TYPES: &'static [&'static str] =
        &["application/pdf", "image/png", "image/jpeg", "text/csv", "text/plain"];
    const ALL: [Self; 5] = [Self::Pdf, Self::Png, Self::Jpeg, Self::Csv, Self::Text];

    /// The type on which the declared media type and the ending of the name agree.
    ///
    /// # Errors
    /// [`Refused::Type`] or [`Refused::Name`].
    pub fn agreed(media_type: &str, file_name: &str) -> Result<Self, Refused> {
        let mut words = media_type.split(';').map(str::trim);
        let declared = words.next().and_then(Self::of_media_type).ok_or(Refused::Type)?;
        // Another character set would be read as another text.
        if words.any(|word| !word.eq_ignore_ascii_case("charset=utf-8")) {
            return Err(Refused::Type);
        }
        let ending = file_name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).ok_or(Refused::Name)?;
        declared.endings().contains(&ending.as_str()).then_some(declared).ok_or(Refused::Name)
    }

    /// The type of this name, in its one spelling or another case of it.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.media_type().eq_ignore_ascii_case(media_type))
    }

    /// Its registered name.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Csv => "text/csv",
            Self::Text => "text/plain",
        }
    }

    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &["pdf"],
            Self::Png => &["png"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Csv => &["csv"],
            Self::Text => &["txt"],
        }
    }
}

/// Looks at a file while it streams by.
pub struct Inspector {
    marks: Marks,
    format: Format,
}

enum Format {
    Pdf(pdf::Pdf),
    Png(png::Png),
    Jpeg(jpeg::Jpeg),
    Text(text::Text),
}

impl Inspector {
    /// Of a file that should be of this type.
    #[must_use]
    pub fn new(file_type: FileType) -> Self {
        let format = match file_type {
            FileType::Pdf => Format::Pdf(pdf::Pdf::default()),
            FileType::Png => Format::Png(png::Png::default()),
            FileType::Jpeg => Format::Jpeg(jpeg::Jpeg::default()),
            FileType::Csv | FileType::Text => Format::Text(text::Text::default()),
        };
        Self { marks: Marks::of(file_type), format }
    }

    /// The next bytes, in pieces of any size.
    ///
    /// # Errors
    /// As soon as it is clear that the file will not do.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.marks.feed(bytes)?;
        for &byte in bytes {
            match &mut self.format {
                Format::Pdf(pdf) => pdf.next(byte)?,
                Format::Png(png) => png.next(byte)?,
                Format::Jpeg(jpeg) => jpeg.next(byte)?,
                Format::Text(text) => text.next(byte)?,
            }
        }
        Ok(())
    }

    /// There is no more.
    ///
    /// # Errors
    /// The file is not whole, or holds marks of another type.
    pub fn finish(self) -> Result<(), Refused> {
        let whole = match self.format {
            Format::Pdf(pdf) => pdf.is_whole(),
            Format::Png(png) => png.is_whole(),
            Format::Jpeg(jpeg) => jpeg.is_whole(),
            Format::Text(text) => text.is_whole(),
        };
        if whole { self.marks.finish() } else { Err(Refused::Content) }
    }
}

/// Refuses a picture whose pixels are too many, or none.
fn check_pixels(width: u32, height: u32) -> Result<(), Refused> {
    match u64::from(width) * u64::from(height) {
        0 => Err(Refused::Content),
        1..=MOST_PIXELS => Ok(()),
        _ => Err(Refused::Pixels),
    }
}

#[cfg(test)]
mod tests;
