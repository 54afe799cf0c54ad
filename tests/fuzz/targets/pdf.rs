#![no_main]

use strongroom::security::files::uploads::{FileType, pdf};
use strongroom_fuzz::is_accepted;

// The service reads the structure of a PDF in a separate process. This target reads it directly, to find panics, loops and floods
// of memory.
libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if is_accepted(FileType::Pdf, file) {
        assert!(file.starts_with(b"%PDF-"));
        let _ = pdf::inspect(file);
    }
});
