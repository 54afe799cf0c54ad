mod pictures;
mod text;

use super::{FileType, Inspector, UploadError};

const MAX_PIXELS: u32 = 110_000_000;

/// Inspects the file in one piece, in pieces of one byte and in pieces of seven bytes. All three results must be equal.
fn inspect(file_type: FileType, bytes: &[u8]) -> Result<(), UploadError> {
    let by = |size: usize| {
        let mut inspector = Inspector::new(file_type, MAX_PIXELS);
        bytes.chunks(size).try_for_each(|piece| inspector.feed(piece))?;
        inspector.finish()
    };
    let whole = by(bytes.len().max(1));
    assert_eq!(by(1), whole);
    assert_eq!(by(7), whole);
    whole
}

fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[..], kind, body, b"sum!"].concat()
}

fn png(width: u32, height: u32, between: &[u8], after: &[u8]) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let signature = b"\x89PNG\r\n\x1a\n";
    [&signature[..], &chunk(b"IHDR", &head), between, &chunk(b"IDAT", b"pixels"), &chunk(b"IEND", b""), after].concat()
}

fn jpeg(width: u16, height: u16, comment: &[u8], after: &[u8]) -> Vec<u8> {
    let segment = |kind: u8, body: &[u8]| {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xff, kind][..], &length, body].concat()
    };
    let frame = [&[8][..], &height.to_be_bytes(), &width.to_be_bytes(), &[1, 1, 0x11, 0]].concat();
    [
        &[0xff, 0xd8][..],
        &segment(0xe0, b"JFIF\0"),
        &segment(0xfe, comment),
        &segment(0xc0, &frame),
        &segment(0xda, &[1, 1, 0, 0, 63, 0]),
        // Pixels, an escaped 0xff, a restart marker, fill bytes and the end of the image.
        &[1, 2, 0xff, 0, 3, 0xff, 0xd3, 4, 0xff, 0xff, 0xd9],
        after,
    ]
    .concat()
}

fn pdf(body: &str) -> Vec<u8> {
    format!("%PDF-1.7\n1 0 obj\n<< /Type /Catalog {body} >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\r\n").into_bytes()
}

fn archive() -> Vec<u8> {
    [b"PK\x01\x02".as_slice(), &[0; 42], b"PK\x05\x06", &[0; 18]].concat()
}

#[test]
fn valid_pdf_is_accepted() {
    assert_eq!(inspect(FileType::Pdf, &pdf("/Lang (en) /JSON 1 /Names /AAA")), Ok(()));
}

#[test]
fn declared_type_may_be_an_alias_generic_or_missing() {
    for (media_type, name, file_type) in [
        ("application/pdf", "a.pdf", FileType::Pdf),
        ("Application/PDF", "A.PDF", FileType::Pdf),
        ("application/x-pdf", "a.pdf", FileType::Pdf),
        ("application/octet-stream", "a.pdf", FileType::Pdf),
        ("", "a.pdf", FileType::Pdf),
        ("application/pdf; charset=binary", "a.pdf", FileType::Pdf),
        ("image/jpeg", "a.b.jpeg", FileType::Jpeg),
        ("image/jpg", "a.jpg", FileType::Jpeg),
        ("image/pjpeg", "a.jfif", FileType::Jpeg),
        ("image/jpeg", "a.JPE", FileType::Jpeg),
        ("application/vnd.ms-excel", "a.csv", FileType::Csv),
        ("text/csv; charset=utf-8; header=present", "a.csv", FileType::Csv),
        ("text/csv;header=present", "a.csv", FileType::Csv),
        ("text/plain", "a.csv", FileType::Csv),
        ("text/plain; charset=UTF-8", "a.txt", FileType::Text),
        ("text/plain;charset=\"utf-8\"", "a.txt", FileType::Text),
        ("Text/Plain ; Charset=\"UTF\\-8\"", "a.txt", FileType::Text),
        ("text/plain; charset=us-ascii", "a.txt", FileType::Text),
        ("text/plain; x=\"charset=utf-7; a\"", "a.txt", FileType::Text),
    ] {
        assert_eq!(FileType::expected(media_type, name), Ok(file_type), "{media_type} {name}");
    }
}

#[test]
fn declared_type_that_contradicts_the_name_is_refused() {
    for media_type in
        ["image/svg+xml", "text/html", "application/zip", "image/png", "text/plain", "pdf", "/", "application/pdf/a"]
    {
        assert_eq!(FileType::expected(media_type, "a.pdf"), Err(UploadError::DeclaredType), "{media_type}");
    }
    assert_eq!(FileType::expected("application/vnd.ms-excel", "a.txt"), Err(UploadError::DeclaredType));
    for charset in ["utf-7", "\"utf-16\"", "UTF-16LE", "windows-1252", "iso-8859-1"] {
        let declared = format!("text/plain; charset={charset}");
        assert_eq!(FileType::expected(&declared, "a.txt"), Err(UploadError::DeclaredCharset), "{charset}");
    }
    for name in ["a.html", "a.pdf.exe", "pdf", "", "a.pdf ", "a.pdf\0", "a.svg", "a.xls"] {
        assert_eq!(FileType::expected("application/octet-stream", name), Err(UploadError::Name), "{name}");
    }
}

#[test]
fn content_of_another_type_is_refused() {
    let files = [png(1, 1, b"", b""), jpeg(1, 1, b"", b""), pdf(""), b"text".to_vec()];
    let types = [FileType::Png, FileType::Jpeg, FileType::Pdf, FileType::Text];
    for (is, bytes) in files.iter().enumerate() {
        for (expected, file_type) in types.into_iter().enumerate() {
            assert_eq!(inspect(file_type, bytes).is_ok(), is == expected, "{is} as {file_type:?}");
        }
    }
    for bytes in [&b"GIF89a\x01\0"[..], b"PK\x03\x04", b"\x1f\x8b\x08", b"MZ\x90\0", b"\0\0\0\x18ftypmp42", b" \n"] {
        for file_type in [FileType::Pdf, FileType::Png, FileType::Jpeg] {
            assert_eq!(inspect(file_type, bytes), Err(UploadError::Not(file_type)), "{bytes:?}");
        }
        assert!(inspect(FileType::Text, bytes).is_err(), "{bytes:?}");
    }
    for file_type in FileType::ALL {
        assert_eq!(inspect(file_type, b""), Err(UploadError::Empty));
    }
}

#[test]
fn polyglot_pdf_is_refused() {
    for (bytes, refused) in [
        ([vec![b' '; 600], pdf("")].concat(), UploadError::Not(FileType::Pdf)),
        ([pdf(""), b"<html><script>alert(1)</script>".to_vec()].concat(), UploadError::Content),
        ([pdf(""), archive()].concat(), UploadError::Content),
        ([b"%PDF-1.7\n".to_vec(), archive(), pdf("")].concat(), UploadError::Archive),
        ([pdf(""), b"more".to_vec()].concat(), UploadError::Content),
        (b"%PDF-1.7\n".to_vec(), UploadError::Content),
        (pdf("").iter().map(u8::to_ascii_lowercase).collect(), UploadError::Not(FileType::Pdf)),
    ] {
        assert_eq!(inspect(FileType::Pdf, &bytes), Err(refused), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn truncated_file_is_refused_at_every_length() {
    for (file_type, whole) in [
        (FileType::Png, png(2, 2, b"", b"")),
        (FileType::Jpeg, jpeg(2, 2, b"x", b"")),
        // The line break after %%EOF is optional. Without it, the PDF would be shorter but valid, so remove it first.
        (FileType::Pdf, pdf("").strip_suffix(b"\r\n").unwrap().to_vec()),
    ] {
        for length in 0..whole.len() {
            assert!(inspect(file_type, &whole[..length]).is_err(), "{file_type:?} {length}");
        }
        assert_eq!(inspect(file_type, &whole), Ok(()));
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_inspected_without_a_panic(mut bytes: Vec<u8>, start in 0_usize..4) {
        let starts: [&[u8]; 4] = [b"", b"%PDF-", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", &[0xff, 0xd8, 0xff]];
        bytes.splice(0..0, starts[start].iter().copied());
        for file_type in FileType::ALL {
            let _ = inspect(file_type, &bytes);
        }
    }
}
