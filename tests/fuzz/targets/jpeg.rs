#![no_main]

use strongroom::security::files::uploads::FileType;
use strongroom_fuzz::is_accepted;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if is_accepted(FileType::Jpeg, file) {
        assert!(file.starts_with(&[0xff, 0xd8, 0xff]));
        assert!(file.windows(2).any(|marker| marker == [0xff, 0xd9]));
    }
});
