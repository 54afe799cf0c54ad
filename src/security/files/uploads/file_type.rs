//! The types of files that clients may upload.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    Pdf,
    Png,
    Jpeg,
    Csv,
    Text,
}

impl FileType {
    pub const MEDIA_TYPES: &'static [&'static str] =
        &["application/pdf", "image/png", "image/jpeg", "text/csv", "text/plain"];
    pub(super) const ALL: [Self; 5] = [Self::Pdf, Self::Png, Self::Jpeg, Self::Csv, Self::Text];

    /// Returns the file type with this registered media type. The comparison ignores the case of letters.
    #[must_use]
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.media_type().eq_ignore_ascii_case(media_type))
    }

    /// Returns the media type that IANA has registered for this file type.
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

    /// Returns other media types that clients declare for this file type: older names, and those of Windows with Excel.
    pub(super) fn aliases(self) -> &'static [&'static str] {
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

    pub(super) fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &["pdf"],
            Self::Png => &["png"],
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
            Self::Csv => &["csv"],
            Self::Text => &["txt"],
        }
    }
}
