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

use super::file_type::FileType;
use super::refusal::Refused;

/// At offset 0 exactly. Readers accept a header within the first kilobyte, and the bytes before it could be another file.
const START: &[u8] = b"%PDF-";
const END: &[u8] = b"%%EOF";

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
