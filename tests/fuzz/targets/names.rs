#![no_main]

use strongroom::http::disposition::saved_as;
use strongroom::security::files::uploads::FileType;

libfuzzer_sys::fuzz_target!(|names: (&str, &str)| {
    let (media_type, name) = names;
    let saved = saved_as(name);
    assert!(!saved.is_empty() && !saved.starts_with('.') && saved.chars().count() <= 255);
    assert!(!saved.chars().any(|c| c.is_control() || "/\\:*?\"<>|".contains(c)), "{saved:?}");
    let _ = FileType::agreed(media_type, &saved);
});
