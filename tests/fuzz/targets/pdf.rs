#![no_main]

use strongroom::security::files::uploads::{FileType, pdf};
use strongroom_fuzz::is_accepted;

// In the service, the structure is read in a process of its own. Here a panic, a loop or a flood of memory is found.
libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if is_accepted(FileType::Pdf, file) {
        assert!(file.starts_with(b"%PDF-"));
        let _ = pdf::inspect(file);
    }
});
