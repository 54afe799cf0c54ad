#![no_main]

use strongroom::security::files::uploads::{FileType, pdf};
use strongroom_fuzz::is_accepted;

// The service parses a PDF in a separate process. This target parses the PDF in its own process, to find panics,
// endless loops and files that use too much memory.
libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if is_accepted(FileType::Pdf, file) {
        assert!(file.starts_with(b"%PDF-"));
        let _ = pdf::inspect(file);
    }
});
