//! The types of file that may be uploaded.

use mediatype::names::CHARSET;
use mediatype::{MediaType, ReadParams};

use super::Refused;

/// Declared by clients that do not know the type.
const GENERAL: [&str; 2] = ["application/octet-stream", "binary/octet-stream"];

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

    /// The type that the ending of this name says. A declared media type must not contradict it, but may be missing or general:
    /// clients declare what their system knows, and the content is checked anyway.
    ///
    /// # Errors
    /// [`Refused::Name`], [`Refused::DeclaredType`] or [`Refused::DeclaredCharset`].
    pub fn agreed(declared: &str, file_name: &str) -> Result<Self, Refused> {
        let (_, ending) = file_name.rsplit_once('.').ok_or(Refused::Name)?;
        let ending = ending.to_ascii_lowercase();
        let file_type =
            Self::ALL.into_iter().find(|one| one.endings().contains(&ending.as_str())).ok_or(Refused::Name)?;
        if declared.is_empty() {
            return Ok(file_type);
        }
        let declared = MediaType::parse(declared).map_err(|_| Refused::DeclaredType)?;
        let media_type = declared.essence().to_string().to_ascii_lowercase();
        if file_type.media_type() != media_type
            && !file_type.aliases().contains(&media_type.as_str())
            && !GENERAL.contains(&media_type.as_str())
        {
            return Err(Refused::DeclaredType);
        }
        let charset = declared.get_param(CHARSET).map(|value| value.unquoted_str().to_ascii_lowercase());
        let is_utf8 = charset.is_none_or(|charset| ["utf-8", "utf8", "us-ascii"].contains(&charset.as_str()));
        let is_text = matches!(file_type, Self::Csv | Self::Text);
        if is_text && !is_utf8 { Err(Refused::DeclaredCharset) } else { Ok(file_type) }
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

    /// Other media types that clients declare for it: older names, and what Windows with Excel says of a CSV.
    fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &["application/x-pdf", "application/acrobat", "application/vnd.pdf", "text/pdf"],
            Self::Png => &["image/x-png"],
            Self::Jpeg => &["image/jpg", "image/pjpeg", "image/jpe", "image/jfif"],
            Self::Csv => &[
                "application/vnd.ms-excel",
                "application/csv",
                "application/x-csv",
                "text/x-csv",
                "text/comma-separated-values",
                "text/x-comma-separated-values",
                "text/plain",
            ],
            Self::Text => &[],
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
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
            Self::Csv => &["csv"],
            Self::Text => &["txt"],
        }
    }
}
