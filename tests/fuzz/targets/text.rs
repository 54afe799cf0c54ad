#![no_main]

use strongroom::security::files::uploads::FileType;
use strongroom_fuzz::is_accepted;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if is_accepted(FileType::Csv, file) {
        let text = std::str::from_utf8(file).expect("UTF-8");
        assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')));
        let first = text.trim_start_matches('\u{feff}').trim_ascii_start().to_ascii_lowercase();
        assert!(!["<script>", "<html>", "<svg ", "<!doctype html>", "<?xml"].iter().any(|tag| first.starts_with(tag)));
    }
    assert_eq!(is_accepted(FileType::Csv, file), is_accepted(FileType::Text, file));
});
