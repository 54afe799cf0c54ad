#![no_main]

use strongroom::security::files::uploads::FileType;
use strongroom_fuzz::is_accepted;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if is_accepted(FileType::Png, file) {
        assert!(file.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"));
        let end = file.windows(4).rposition(|kind| kind == b"IEND").expect("an end");
        // After `IEND` come its checksum and padding.
        assert!(file[end + 8..].iter().all(|byte| matches!(byte, 0 | b'\r' | b'\n')));
    }
});
