//! The reasons for which an uploaded file is refused.

use super::file_type::FileType;
use crate::http::error::ApiError;

/// The reason for which a file is refused. The message tells the user what to do, and contains no text from the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
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
    #[error(
        "begins with a tag, as a web page does, and web pages are not accepted: save the page as a PDF and upload the PDF"
    )]
    Markup,
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        Self::invalid("/file", error.to_string())
    }
}

/// The reason for which a PDF is refused. Each value is an exit status of the child process that inspects PDFs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u8)]
pub enum PdfFault {
    #[error("The PDF cannot be read whole: it is damaged, incomplete or too complex. Print it to a new PDF.")]
    Unreadable = 64,
    #[error("The PDF is encrypted and cannot be opened without a password. Save it without a password.")]
    Encrypted,
    #[error("The PDF contains JavaScript. Save it without scripts, for example by printing it to a new PDF.")]
    JavaScript,
    #[error("The PDF can start a program. Remove that action, for example by printing the PDF to a new one.")]
    Launch,
    #[error("The PDF sends or imports form data. Remove that action, for example by printing the PDF to a new one.")]
    FormData,
    #[error("The PDF opens another file. Remove those links, for example by printing the PDF to a new one.")]
    OtherFile,
    #[error("The PDF contains sound, video or other media. Remove them, for example by printing the PDF to a new one.")]
    Media,
    #[error("The PDF contains an XFA form. Print it to a new PDF.")]
    Xfa,
    #[error(
        "The PDF opens a web address without a click. Remove that action, for example by printing it to a new PDF."
    )]
    OpensLink,
    #[error(
        "The PDF contains another file. Save it without attachments; only the XML of an e-invoice may be attached."
    )]
    EmbeddedFile,
}

impl PdfFault {
    const ALL: [Self; 10] = [
        Self::Unreadable,
        Self::Encrypted,
        Self::JavaScript,
        Self::Launch,
        Self::FormData,
        Self::OtherFile,
        Self::Media,
        Self::Xfa,
        Self::OpensLink,
        Self::EmbeddedFile,
    ];

    pub(super) fn from_exit_status(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| i32::from(*fault as u8) == code)
    }
}
