//! `Content-Disposition` for a file that somebody named (RFC 6266). A name is cleaned before it is encoded: it never leaves its
//! header, names no other folder, and shows the ending that it has.

use actix_web::http::header::{
    Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue, HeaderValue, TryIntoHeaderValue,
};

use crate::base::text;

/// In characters; the ending is kept.
const LONGEST: usize = 150;

/// Names of devices on Windows, whatever ending follows.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// `attachment` with this name.
#[must_use]
pub fn attachment(file_name: &str) -> HeaderValue {
    let name = saved_as(file_name);
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

/// What a file of this name is called once it is saved.
#[must_use]
pub fn saved_as(name: &str) -> String {
    let kept: String = text::visible(name).chars().map(|c| if "/\\:*?\"<>|;%".contains(c) { '_' } else { c }).collect();
    let kept = kept.trim_matches([' ', '.']);
    let (stem, ending) = match kept.rsplit_once('.') {
        Some((stem, ending)) if ending.chars().count() <= 10 => (stem, format!(".{ending}")),
        _ => (kept, String::new()),
    };
    let stem: String = stem.chars().take(LONGEST - ending.chars().count()).collect();
    let first = stem.split('.').next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
    match stem.as_str() {
        "" => format!("file{ending}"),
        _ if DEVICES.contains(&first.to_ascii_lowercase().as_str()) => format!("_{stem}{ending}"),
        _ => stem + &ending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str) -> String {
        attachment(name).to_str().unwrap().to_owned()
    }

    #[test]
    fn a_plain_name_stands_as_it_is() {
        assert_eq!(header("INV-2026-0001.pdf"), "attachment; filename=\"INV-2026-0001.pdf\"");
        assert_eq!(header("two words.txt"), "attachment; filename=\"two words.txt\"");
    }

    #[test]
    fn a_name_of_any_script_is_encoded_beside_a_plain_one() {
        assert_eq!(
            header("Rüfüs 図.png"),
            "attachment; filename=\"R_f_s _.png\"; filename*=UTF-8''R%C3%BCf%C3%BCs%20%E5%9B%B3.png"
        );
    }

    #[test]
    fn no_name_leaves_its_header_or_its_folder() {
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
    fn a_long_name_keeps_its_ending() {
        let name = format!("{}.pdf", "ж".repeat(5_000));
        let header = header(&name);
        assert!(header.ends_with("%D0%B6.pdf") && header.len() < 1_500, "{header}");
    }
}
