//! `Content-Disposition` for files that users have named (RFC 6266).
//! A name is sanitized first. So it cannot inject headers (CWE-113), traverse folders (CWE-22) or hide its extension.

use actix_web::http::header::{
    Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue, HeaderValue, TryIntoHeaderValue,
};

use crate::base::text;

/// Maximum length of a file name in bytes, as in most file systems.
pub const MAX_NAME_BYTES: usize = 255;

/// Windows reserves these names for devices, also with a digit (`com1`) or an extension (`con.txt`).
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

#[must_use]
pub fn attachment(file_name: &str) -> HeaderValue {
    let name = safe_file_name(file_name);
    let ascii: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let mut parameters = vec![DispositionParam::Filename(ascii)];
    if !name.is_ascii() {
        let value = name.into_bytes();
        parameters.push(DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".to_owned()),
            language_tag: None,
            value,
        }));
    }
    let disposition = ContentDisposition { disposition: DispositionType::Attachment, parameters };
    disposition.try_into_value().unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

/// Returns a name that is safe in the database, in a header and on a client's machine.
#[must_use]
pub fn safe_file_name(name: &str) -> String {
    let kept: String =
        text::remove_invisible(name).chars().map(|c| if "/\\:*?\"<>|;%".contains(c) { '_' } else { c }).collect();
    let kept = kept.trim_matches([' ', '.']);
    let (stem, ending) = match kept.rsplit_once('.') {
        Some((stem, ending)) if ending.chars().count() <= 10 => (stem, format!(".{ending}")),
        _ => (kept, String::new()),
    };
    // One byte less than the maximum, because a device name gets an underscore.
    let stem = stem[..stem.floor_char_boundary(MAX_NAME_BYTES - 1 - ending.len())].trim_end_matches([' ', '.']);
    let first = stem.split('.').next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
    match stem {
        "" => format!("file{ending}"),
        _ if DEVICES.contains(&first.to_ascii_lowercase().as_str()) => format!("_{stem}{ending}"),
        _ => format!("{stem}{ending}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str) -> String {
        attachment(name).to_str().unwrap().to_owned()
    }

    #[test]
    fn plain_name_is_unchanged() {
        assert_eq!(header("INV-2026-0001.pdf"), "attachment; filename=\"INV-2026-0001.pdf\"");
        assert_eq!(header("two words.txt"), "attachment; filename=\"two words.txt\"");
    }

    #[test]
    fn unicode_name_is_encoded_beside_an_ascii_one() {
        assert_eq!(
            header("Rüfüs 図.png"),
            "attachment; filename=\"R_f_s _.png\"; filename*=UTF-8''R%C3%BCf%C3%BCs%20%E5%9B%B3.png"
        );
    }

    #[test]
    fn name_cannot_inject_headers_or_traverse_folders() {
        for (name, expected) in [
            ("../../etc/passwd", "_.._etc_passwd"),
            ("..\\..\\boot.ini", "_.._boot.ini"),
            ("a\"; filename=\"evil.exe", "a__ filename=_evil.exe"),
            ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie_ x=1.pdf"),
            ("a\0b.pdf", "ab.pdf"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("CON", "_CON"),
            ("con.pdf", "_con.pdf"),
            ("com1.tar.gz", "_com1.tar.gz"),
            ("lpt9", "_lpt9"),
            ("100%.pdf", "100_.pdf"),
            ("...", "file"),
            ("", "file"),
            (" .pdf ", "pdf"),
        ] {
            assert_eq!(header(name), format!("attachment; filename=\"{expected}\""), "{name:?}");
        }
    }

    #[test]
    fn long_name_is_cut_at_a_character_and_keeps_its_extension() {
        for letter in ["x", "ж", "図", "🦀"] {
            let name = safe_file_name(&format!("{}.pdf", letter.repeat(5_000)));
            assert!(name.ends_with(&format!("{letter}.pdf")) && (251..=254).contains(&name.len()), "{}", name.len());
        }
        for end in [" ", "."] {
            let cut = format!("{}{end}{}", "x".repeat(253), "y".repeat(20));
            assert_eq!(safe_file_name(&cut), "x".repeat(253), "no trailing space or dot, which Windows removes");
        }
        let name = "🦀".repeat(10);
        assert_eq!(safe_file_name(&format!("a.{name}")), format!("a.{name}"));
    }
}
