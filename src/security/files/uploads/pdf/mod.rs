//! PDFs must not have active content; they are parsed in a child process (CWE-434, CWE-674, CWE-400, API4:2023).
//!
//! **Attack**: a PDF contains a script, perhaps compressed so that a search of the raw bytes does not find it.
//! A PDF makes its parser crash or loop, or decompresses to gigabytes.
//! **Control**: the service checks the first and last bytes while the file arrives.
//! Then a child process with limits on memory and CPU time ([`process`]) inspects every object ([`structure`]).
//! **Limits**: a PDF can exploit a bug of a PDF reader, for example with a malformed font.
//! **ASVS**: 5.2.2, 5.2.6, 15.2.5 · **Test**: `attacks::files::uploads::pdf`

mod process;
mod structure;

pub use process::{PdfInspector, inspect_standard_input};
pub use structure::inspect;

use super::file_type::FileType;
use super::refusal::UploadError;

/// The header must be at offset 0. PDF readers accept it anywhere within the first kilobyte, but the bytes before it
/// could be another file (polyglot).
const START: &[u8] = b"%PDF-";
const END: &[u8] = b"%%EOF";

/// Checks the header and the end marker of a PDF while it arrives.
#[derive(Default)]
pub(super) struct Pdf {
    seen: usize,
    /// How many bytes of the end marker were matched so far.
    end: usize,
}

impl Pdf {
    pub fn next(&mut self, byte: u8) -> Result<(), UploadError> {
        if START.get(self.seen).is_some_and(|expected| *expected != byte) {
            return Err(UploadError::Not(FileType::Pdf));
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
