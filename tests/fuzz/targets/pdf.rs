#![no_main]

use strongroom::security::files::uploads::{FileType, pdf};
use strongroom_fuzz::is_accepted;

// In the service, a panic, an endless loop or memory exhaustion ends only a separate process. This target has no such
// process, so it finds these faults.
libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if is_accepted(FileType::Pdf, file) {
        assert!(file.starts_with(b"%PDF-"));
        let _ = pdf::inspect(file);
    }
});
