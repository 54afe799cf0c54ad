//! The type of an upload, by its file name and the media type that its client declares.

use mediatype::names::CHARSET;
use mediatype::{MediaType, ReadParams};

use super::file_type::FileType;
use super::refusal::Refused;

/// Declared by clients that do not know the type.
const GENERAL: [&str; 2] = ["application/octet-stream", "binary/octet-stream"];

impl FileType {
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
}
