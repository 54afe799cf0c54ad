#![no_main]

use strongroom::security::files::uploads::{FileType, pdf};
use strongroom_fuzz::is_accepted;

// Without the separate process of the service, this target finds panics, endless loops and memory exhaustion.
libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if is_accepted(FileType::Pdf, file) {
        assert!(file.starts_with(b"%PDF-"));
        let _ = pdf::inspect(file);
    }
});
