//! Files whose content does not match their name or their declared type.

use super::{assert_nothing_is_stored, assert_part_refused};
use crate::support::TestApp;
use crate::support::files::{ARCHIVE, jpeg, pdf, png};
use crate::support::form::Form;

const SVG: &[u8] = br#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>"#;
const PAGE: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// Returns description, name, declared type and content of each file.
fn refused() -> Vec<(&'static str, &'static str, &'static str, Vec<u8>)> {
    let zip = joined(&[b"PK\x03\x04", &[0; 60], ARCHIVE]);
    vec![
        ("SVG", "a.svg", "image/svg+xml", SVG.to_vec()),
        ("SVG as a picture", "a.png", "image/png", SVG.to_vec()),
        ("SVG as text", "a.txt", "text/plain", SVG.to_vec()),
        ("a page", "a.html", "text/html", PAGE.to_vec()),
        ("a page as text", "a.txt", "text/plain", PAGE.to_vec()),
        ("a page as a table", "a.csv", "text/csv", joined(&[b"\xef\xbb\xbf \n", PAGE])),
        ("a script", "a.js", "text/javascript", b"alert(1)".to_vec()),
        ("an archive", "a.zip", "application/zip", zip.clone()),
        ("an archive as a PDF", "a.pdf", "application/pdf", zip.clone()),
        ("an office file", "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", zip),
        ("packed", "a.gz", "application/gzip", b"\x1f\x8b\x08\0\0\0\0\0".to_vec()),
        ("packed text", "a.txt", "text/plain", b"\x1f\x8b\x08\0\0\0\0\0".to_vec()),
        ("a program", "a.txt", "text/plain", b"\x7fELF\x02\x01\x01\0".to_vec()),
        ("no known type", "a.bin", "application/octet-stream", b"x".to_vec()),
        ("another type's name", "a.png", "image/jpeg", jpeg(10, 10)),
        ("another type's content", "a.jpg", "image/jpeg", png(10, 10)),
        ("two endings", "a.pdf.exe", "application/pdf", pdf("")),
        ("no ending", "pdf", "application/pdf", pdf("")),
        ("an ending behind a NUL that is none", "a.exe%00.pdf.exe", "application/pdf", pdf("")),
        ("a direction override", "a\u{202e}fdp.exe", "application/pdf", pdf("")),
        ("another character set", "a.txt", "text/plain; charset=utf-16", b"x".to_vec()),
        ("not UTF-8", "a.csv", "text/csv", b"M\xfcller\n".to_vec()),
        ("an archive behind a picture", "a.png", "image/png", joined(&[&png(10, 10), ARCHIVE])),
        ("a PDF behind a picture", "a.jpg", "image/jpeg", joined(&[&jpeg(10, 10), &pdf("")])),
        ("an archive in text", "a.txt", "text/plain", joined(&[b"hello\n", ARCHIVE])),
        ("a PDF that begins later", "a.pdf", "application/pdf", joined(&[&[b'x'; 600], &pdf("")])),
        ("a PDF in text", "a.txt", "text/plain", joined(&[&[b'x'; 600], &pdf("")])),
        ("an archive behind a PDF", "a.pdf", "application/pdf", joined(&[&pdf(""), ARCHIVE, b"\n%%EOF\n"])),
        ("a PDF that is cut off", "a.pdf", "application/pdf", b"%PDF-1.7\n1 0 obj\n".to_vec()),
        ("a picture that is cut off", "a.png", "image/png", png(10, 10)[..40].to_vec()),
        ("3.6 gigapixels in 68 bytes", "a.png", "image/png", png(60_000, 60_000)),
        ("4 gigapixels", "a.jpg", "image/jpeg", jpeg(65_000, 65_000)),
        ("no pixels", "a.png", "image/png", png(0, 10)),
        ("nothing", "a.txt", "text/plain", Vec::new()),
        ("blanks", "a.txt", "text/plain", b" \n".to_vec()),
    ]
}

#[actix_web::test]
async fn file_of_another_type_is_refused_and_not_stored() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = app.digest_all().await;
    for (what, name, kind, content) in refused() {
        let reply = alice.upload(Form::default().file(name, kind, &content)).await;
        assert_part_refused(&reply, "/file", what);
        assert!(!reply.text().contains("alert"), "{what}: the response contains no content of the file");
    }
    assert_eq!(app.digest_all().await, before);
    assert_nothing_is_stored(&app).await;
}

/// The result must not depend on how the body is split into packets.
#[actix_web::test]
async fn file_sent_byte_by_byte_is_inspected() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (content, status) in [(pdf("/AcroForm << /XFA (x) >>"), 400), (pdf(""), 201)] {
        let form = Form::default().file("a.pdf", "application/pdf", &content).bytes();
        let pieces: Vec<_> = form.into_iter().map(|byte| Ok::<_, std::io::Error>(vec![byte])).collect();
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let request = alice.request(reqwest::Method::POST, "/api/v1/documents");
        let reply = request.body(&Form::content_type(), body).send().await;
        assert_eq!(reply.status.as_u16(), status, "{}", reply.text());
    }
}
