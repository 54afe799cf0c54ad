//! The types of file that may be uploaded.

use super::Refused;

/// A type of file that may be uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    Pdf,
    Png,
    Jpeg,
    Csv,
    Text,
}

impl FileType {
    /// The registered media types.
    pub const MEDIA_TYPES: &'static [&'static str] =
        &["application/pdf", "image/png", "image/jpeg", "text/csv", "text/plain"];
    pub(super) const ALL: [Self; 5] = [Self::Pdf, Self::Png, Self::Jpeg, Self::Csv, Self::Text];

    /// The type on which the declared media type and the ending of the name agree.
    ///
    /// # Errors
    /// [`Refused::DeclaredType`] or [`Refused::Name`].
    pub fn agreed(media_type: &str, file_name: &str) -> Result<Self, Refused> {
        let mut words = media_type.split(';').map(str::trim);
        let declared = words.next().and_then(Self::of_media_type).ok_or(Refused::DeclaredType)?;
        // Another character set would be read as another text.
        if words.any(|word| !word.eq_ignore_ascii_case("charset=utf-8")) {
            return Err(Refused::DeclaredCharset);
        }
        let ending = file_name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).ok_or(Refused::Name)?;
        declared.endings().contains(&ending.as_str()).then_some(declared).ok_or(Refused::Name)
    }

    /// The type with this registered media type, in any case.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.media_type().eq_ignore_ascii_case(media_type))
    }

    /// The registered media type.
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

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pdf => "PDF",
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Csv => "CSV",
            Self::Text => "text",
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
