#![no_main]

use actix_web::http::header::{ContentDisposition, HeaderValue};
use strongroom::http::disposition::safe_file_name;
use strongroom::http::file_name::file_name;
use strongroom::security::files::uploads::FileType;

/// The text before and after a file name in a part's header, for each encoding.
const FORMS: [(&str, &str); 5] = [
    ("filename=\"", "\""),
    ("filename*=utf-8''", ""),
    ("filename=\"=?utf-8?B?", "?=\""),
    ("filename=\"=?utf-8?Q?", "?=\""),
    ("", ""),
];

libfuzzer_sys::fuzz_target!(|names: (&str, &[u8])| {
    let (media_type, sent) = names;
    for (before, after) in FORMS {
        let head = [b"form-data; name=\"file\"; ", before.as_bytes(), sent, after.as_bytes()].concat();
        let Ok(head) = HeaderValue::from_bytes(&head) else { return };
        let Ok(disposition) = ContentDisposition::from_raw(&head) else { continue };
        let Some(name) = file_name(&disposition) else { continue };
        // One byte of ISO-8859-1 can become two bytes of UTF-8.
        assert!(name.len() <= 2 * head.len(), "{name:?}");
        let saved = safe_file_name(&name);
        assert!(!saved.is_empty() && !saved.starts_with('.') && saved.len() <= 255, "{saved:?}");
        assert!(!saved.chars().any(|c| c.is_control() || "/\\:*?\"<>|".contains(c)), "{saved:?}");
        assert!(!saved.ends_with(['.', ' ']), "{saved:?}");
        let _ = FileType::expected(media_type, &saved);
    }
});
