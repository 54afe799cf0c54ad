//! Determines the type of an uploaded file from its name, and compares it with the media type that the client declared.

use mediatype::names::CHARSET;
use mediatype::{MediaType, ReadParams};

use super::file_type::FileType;
use super::refusal::UploadError;

/// The media types that clients declare if they do not know the type of a file.
const GENERAL: [&str; 2] = ["application/octet-stream", "binary/octet-stream"];

impl FileType {
    /// Returns the file type for the extension of the file name. The `Inspector` checks the content separately.
    /// The declared media type must not contradict the extension. This type may be missing or generic.
    ///
    /// # Errors
    /// [`UploadError::Name`] if the extension is unknown. [`UploadError::DeclaredType`] or
    /// [`UploadError::DeclaredCharset`] if the declared media type contradicts the extension.
    pub fn expected(declared: &str, file_name: &str) -> Result<Self, UploadError> {
        let (_, extension) = file_name.rsplit_once('.').ok_or(UploadError::Name)?;
        let extension = extension.to_ascii_lowercase();
        let file_type = Self::ALL
            .into_iter()
            .find(|one| one.extensions().contains(&extension.as_str()))
            .ok_or(UploadError::Name)?;
        if declared.is_empty() {
            return Ok(file_type);
        }
        let declared = MediaType::parse(declared).map_err(|_| UploadError::DeclaredType)?;
        let media_type = declared.essence().to_string().to_ascii_lowercase();
        if file_type.media_type() != media_type
            && !file_type.aliases().contains(&media_type.as_str())
            && !GENERAL.contains(&media_type.as_str())
        {
            return Err(UploadError::DeclaredType);
        }
        let charset = declared.get_param(CHARSET).map(|value| value.unquoted_str().to_ascii_lowercase());
        let is_utf8 = charset.is_none_or(|charset| ["utf-8", "utf8", "us-ascii"].contains(&charset.as_str()));
        let is_text = matches!(file_type, Self::Csv | Self::Text);
        if is_text && !is_utf8 { Err(UploadError::DeclaredCharset) } else { Ok(file_type) }
    }
}
