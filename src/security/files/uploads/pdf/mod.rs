//! PDFs without active content, parsed in a process of its own (CWE-434, CWE-674, CWE-400).
//!
//! **Attack**: a PDF with a script, also packed where no raw search finds it; one that crashes its parser, makes it loop or unpacks
//! to gigabytes.
//! **Control**: the first and last bytes are checked while the file arrives. Then every object is inspected
//! ([`structure`]) in a child process with limits on memory and time ([`process`]). **Limits**: a reader's own faults, such
//! as a font that exploits it. **ASVS**: 5.2.2, 5.2.6, 15.2.5 · **Test**: `attacks::files::uploads::pdf`

mod process;
mod structure;

pub use process::{PdfInspector, inspect_standard_input};
pub use structure::inspect;

use super::{FileType, Refused};

/// At offset 0 exactly. Readers accept a header within the first kilobyte, and the bytes before it could be another file.
const START: &[u8] = b"%PDF-";
const END: &[u8] = b"%%EOF";

/// Why a PDF is refused. Each one is also the exit status by which the inspecting process says so.
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

    fn of_exit_status(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| i32::from(*fault as u8) == code)
    }
}

/// Follows the bytes of a PDF while it arrives.
#[derive(Default)]
pub(super) struct Pdf {
    seen: usize,
    /// How much of the end mark stands at the end, white space aside.
    end: usize,
}

impl Pdf {
    pub fn next(&mut self, byte: u8) -> Result<(), Refused> {
        if START.get(self.seen).is_some_and(|expected| *expected != byte) {
            return Err(Refused::Not(FileType::Pdf));
        }
        self.seen += 1;
        self.end = match END.get(self.end) {
            Some(expected) if *expected == byte => self.end + 1,
            None if structure::is_white_space(&byte) => self.end,
            _ if byte == b'%' && self.end == 2 => 2,
            _ => usize::from(byte == b'%'),
        };
        Ok(())
    }

    pub fn is_whole(&self) -> bool {
        self.seen > START.len() && self.end == END.len()
    }
}
