use super::super::{FileType, UploadError};
use super::inspect;

fn both(bytes: &[u8]) -> Result<(), UploadError> {
    let answer = inspect(FileType::Text, bytes);
    assert_eq!(inspect(FileType::Csv, bytes), answer);
    answer
}

#[test]
fn ordinary_text_is_accepted() {
    for text in [
        "name;sum\r\n\"Müller\";1,50\r\n",
        "\u{feff}name,sum\r\n",
        "\u{feff}Grüße, 李. 1 < 2 <3 <script> is a word here.\n",
        "<anna@example.org>, bread\n",
        "<customer>;<total>\n",
        "<bread & butter\n",
        "<aside\n",
        "a\tb\rold Macintosh\r",
        "The format of pages begins with <!DOCTYPE html> and that of vectors with <svg>.\n",
    ] {
        assert_eq!(both(text.as_bytes()), Ok(()), "{text:?}");
    }
    // A browser does not search for a tag after the first 1445 bytes.
    assert_eq!(both(format!("{}<html>", " ".repeat(1445)).as_bytes()), Ok(()));
}

#[test]
fn text_that_begins_like_a_page_is_refused() {
    for text in [
        "<html>",
        "<HTML lang=en>",
        " \r\n\t<script>",
        "\u{feff}<!DOCTYPE html>",
        "\u{feff} \n<!doctype HTML PUBLIC",
        "<?xml version='1.0'?><svg/>",
        "<svg onload=alert(1)>",
        "<svg/onload=alert(1)>",
        "<svg\nonload=alert(1)>",
        "<a href='javascript:alert(1)'>",
        "<!-- a -->",
        &format!("{}<html>", " ".repeat(1439)),
    ] {
        assert_eq!(both(text.as_bytes()), Err(UploadError::Markup), "{text:?}");
    }
}

#[test]
fn text_with_the_beginning_of_a_pdf_is_refused() {
    for text in ["%PDF-1.4 but text", "a\n%PDF-1.4", "%%PDF-1.4"] {
        assert_eq!(both(text.as_bytes()), Err(UploadError::PdfInside), "{text:?}");
    }
    for text in ["The mark is %pdf-1.4.", "%PD F-", &format!("{}%PDF-", "a".repeat(1024))] {
        assert_eq!(both(text.as_bytes()), Ok(()), "{text:?}");
    }
}

#[test]
fn other_encoding_is_refused_with_its_position() {
    for utf16 in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a", b"\xff\xfe"] {
        assert_eq!(both(utf16), Err(UploadError::Utf16), "{utf16:?}");
    }
    for (bytes, line, character) in [
        (&b"name;city\r\nM\xfcller;Kassel\r\n"[..], 2, 2),
        (b"abc\xffdef", 1, 4),
        (b"a\xc3", 1, 2),
        (b"\xc0\xaf", 1, 1),
        (b"\xff", 1, 1),
        (b"\xffa", 1, 1),
        (b"\xed\xa0\x80", 1, 1),
        ("\u{feff}Grüße\n\nGrü\u{df}".as_bytes().split_last().unwrap().1, 3, 4),
    ] {
        assert_eq!(both(bytes), Err(UploadError::NotUtf8 { line, character }), "{bytes:?}");
    }
}

#[test]
fn control_character_is_refused_with_its_position() {
    for (text, control, line, character) in [
        ("a\0b", '\0', 1, 2),
        ("one\ntwo\u{c}three", '\u{c}', 2, 4),
        ("\u{feff}a\r\n\u{b}", '\u{b}', 2, 1),
        ("DIR *.*\r\n\u{1a}", '\u{1a}', 2, 1),
        ("ä\u{1b}[2J", '\u{1b}', 1, 2),
        ("a\u{85}", '\u{85}', 1, 2),
    ] {
        assert_eq!(both(text.as_bytes()), Err(UploadError::Control { control, line, character }), "{text:?}");
    }
}

#[test]
fn blank_text_is_refused() {
    for text in [" \n", "\u{feff}", "\r\n\t"] {
        assert_eq!(both(text.as_bytes()), Err(UploadError::Empty), "{text:?}");
    }
}
