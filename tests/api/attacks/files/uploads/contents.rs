//! Malicious content in pictures and texts, such as markup where a browser looks for it (MIME sniffing). Each refusal
//! says how to correct the file.

use super::{assert_nothing_is_stored, assert_refused_with_message};
use crate::support::TestApp;
use crate::support::files::{ARCHIVE, jpeg, jpeg_with, pdf, png};
use crate::support::form::Form;

const NOT_A_JPEG: &str = "is not a JPEG file, although its name says so: correct the name, or save it as JPEG";
const NOT_A_PNG: &str = "is not a PNG file, although its name says so: correct the name, or save it as PNG";
const DAMAGED: &str = "is damaged or incomplete: open it, save it again and upload the new file";
const AFTER_END: &str = "has other data after the end of the picture: open it, save it again and upload the new file";
const ARCHIVED: &str = "is a ZIP archive too: upload the files without the archive";
const PDF_INSIDE: &str = "has a PDF within its first 1024 bytes: upload the PDF itself, under a name that ends in .pdf";
const PIXELS: &str = "has more than 110 million pixels: scale the picture down and upload the smaller one";
const MARKUP: &str =
    "begins with a tag, as a web page does, and web pages are not accepted: save the page as a PDF and upload the PDF";
const EMPTY: &str = "has no content: upload a file that is not empty";
const UTF16: &str = "is text in UTF-16: save the file as UTF-8 (in Excel: \"CSV UTF-8\") and upload the new file";

/// The first two boxes (units of the MP4 format) of a video.
const VIDEO: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x0emdatpixels";

/// The trailer of pictures from Samsung's phones, with a directory of its entries.
const SAMSUNG: &[u8] = b"\0\0\x01\x0a\x04\0\0\0Time1577836800000\
    SEFH\x65\0\0\0\x01\0\0\0\0\0\x01\x0a\x19\0\0\0\x19\0\0\0\x18\0\0\0SEFT";

/// Returns an AFCP trailer, with which some programs append captions to a picture. The trailer contains the offset at
/// which it begins: the length of the picture.
fn captions(picture: usize) -> Vec<u8> {
    let start = u32::try_from(picture).unwrap().to_be_bytes();
    joined(&[b"AXS!\x01\0\0\0\0\0\0\0AXS!", &start, &[0; 4]])
}

fn not_utf8(line: u32, character: u32) -> String {
    format!(
        "is not text in UTF-8, at line {line}, character {character}: save the file as UTF-8 (in Excel: \"CSV UTF-8\") and \
         upload the new file"
    )
}

fn control(code: &str, line: u32, character: u32) -> String {
    format!("has a control character ({code}) at line {line}, character {character}: remove it and upload the new file")
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "png")) => "image/png",
        Some((_, "jpg")) => "image/jpeg",
        Some((_, "csv")) => "text/csv",
        _ => "text/plain",
    }
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// Returns description, file name, content and expected message of each refused file.
fn refused() -> Vec<(&'static str, &'static str, Vec<u8>, String)> {
    let picture = [
        ("SVG as a picture", "a.png", b"<svg onload=\"alert(1)\"/>".to_vec(), NOT_A_PNG),
        ("another picture's name", "a.jpg", png(10, 10), NOT_A_JPEG),
        ("a picture that begins later", "a.png", joined(&[b" ", &png(10, 10)]), NOT_A_PNG),
        ("no bytes", "a.jpg", Vec::new(), EMPTY),
        ("cut off", "a.png", png(10, 10)[..40].to_vec(), DAMAGED),
        ("cut off within the second picture", "a.jpg", joined(&[&jpeg(10, 10), &jpeg(10, 10)[..30]]), DAMAGED),
        ("no pixels", "a.png", png(0, 10), DAMAGED),
        ("a decompression bomb of 3.6 gigapixels", "a.png", png(60_000, 60_000), PIXELS),
        ("a decompression bomb after a picture", "a.jpg", joined(&[&jpeg(10, 10), &jpeg(65_000, 65_000)]), PIXELS),
        ("a page after a picture", "a.jpg", joined(&[&jpeg(10, 10), b"<script>alert(1)</script>"]), AFTER_END),
        ("a page after padding", "a.png", joined(&[&png(10, 10), b"\0\0\n<script>alert(1)</script>"]), AFTER_END),
        ("an archive after a picture", "a.png", joined(&[&png(10, 10), ARCHIVE]), AFTER_END),
        ("a PDF after a picture", "a.jpg", joined(&[&jpeg(10, 10), &pdf("")]), AFTER_END),
        ("data as Samsung's trailer", "a.jpg", joined(&[&jpeg(10, 10), b"\0\0alert(1)\x08\0\0\0SEFT"]), AFTER_END),
        ("a video and more", "a.jpg", joined(&[&jpeg(10, 10), VIDEO, b"alert(1)"]), AFTER_END),
        ("an archive in the metadata", "a.jpg", jpeg_with(10, 10, ARCHIVE), ARCHIVED),
        ("an archive in a video", "a.jpg", joined(&[&jpeg(10, 10), VIDEO, b"\0\0\0\x4cfree", ARCHIVE]), ARCHIVED),
        ("a PDF in the metadata", "a.jpg", jpeg_with(10, 10, b"%PDF-1.7"), PDF_INSIDE),
    ];
    let text = [
        ("a page", "a.txt", b"<!DOCTYPE html><script>alert(1)</script>".to_vec(), MARKUP.to_owned()),
        ("a page after blanks", "a.csv", b"\xef\xbb\xbf \r\n\t<SCRIPT>alert(1)</SCRIPT>".to_vec(), MARKUP.to_owned()),
        ("SVG", "a.txt", b"<svg/onload=alert(1)>".to_vec(), MARKUP.to_owned()),
        ("XML", "a.txt", b"<?xml version=\"1.0\"?><svg/>".to_vec(), MARKUP.to_owned()),
        ("a PDF", "a.txt", joined(&[&[b'x'; 600], &pdf("")]), PDF_INSIDE.to_owned()),
        ("an archive", "a.txt", joined(&[b"hello\n", ARCHIVE]), control("U+0001", 2, 3)),
        ("UTF-16, as Excel's \"Unicode Text\"", "a.txt", b"\xff\xfea\0;\0b\0\r\0\n\0".to_vec(), UTF16.to_owned()),
        ("UTF-16 in the other order", "a.csv", b"\xfe\xff\0a\0;\0b".to_vec(), UTF16.to_owned()),
        ("Windows-1252, as Excel's \"CSV\"", "a.csv", b"name;city\r\nM\xfcller;Kassel\r\n".to_vec(), not_utf8(2, 2)),
        ("cut off within a character", "a.csv", b"1,50 \xe2\x82".to_vec(), not_utf8(1, 6)),
        ("a form feed", "a.txt", b"page one\n\x0cpage two\n".to_vec(), control("U+000C", 2, 1)),
        ("a vertical tab", "a.csv", b"name;note\na;one\x0btwo\n".to_vec(), control("U+000B", 2, 6)),
        ("the end of file of DOS", "a.csv", b"name;sum\r\na;1\r\n\x1a".to_vec(), control("U+001A", 3, 1)),
        ("an escape sequence", "a.txt", b"\x1b]0;alert(1)\x07".to_vec(), control("U+001B", 1, 1)),
        ("a program", "a.txt", b"\x7fELF\x02\x01\x01\0".to_vec(), control("U+007F", 1, 1)),
        ("blanks", "a.txt", b" \n".to_vec(), EMPTY.to_owned()),
    ];
    picture
        .into_iter()
        .map(|(what, name, bytes, message)| (what, name, bytes, message.to_owned()))
        .chain(text)
        .collect()
}

#[actix_web::test]
async fn refused_content_is_not_stored_and_gets_a_helpful_message() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = app.digest_all().await;
    for (what, name, content, message) in refused() {
        let reply = alice.upload(Form::default().file(name, media_type(name), &content)).await;
        assert_refused_with_message(&reply, &message, what);
        assert!(!reply.text().contains("alert"), "{what}: the response must not repeat the content of the file");
    }
    assert_eq!(app.digest_all().await, before);
    assert_nothing_is_stored(&app).await;
}

/// The files contain bytes that look like markup, or data that cameras and spreadsheets add.
#[actix_web::test]
async fn valid_content_that_resembles_markup_is_accepted() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (what, name, content) in [
        ("Photoshop on a Mac", "a.jpg", jpeg_with(10, 10, b"<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\">")),
        ("a tag by chance", "a.jpg", jpeg_with(10, 10, b"\x01<sVG \xff<script>")),
        ("padding", "a.jpg", joined(&[&jpeg(10, 10), b"\0\0\0\0"])),
        ("a line end", "a.png", joined(&[&png(10, 10), b"\r\n"])),
        ("Multi-Picture Format", "a.jpg", joined(&[&jpeg(10, 10), b"\0\0", &jpeg(10, 10)])),
        ("a motion photo", "a.jpg", joined(&[&jpeg(10, 10), VIDEO])),
        ("a Samsung phone", "a.jpg", joined(&[&jpeg(10, 10), SAMSUNG])),
        ("captions of a picture archive", "a.jpg", joined(&[&jpeg(10, 10), &captions(jpeg(10, 10).len())])),
        ("50 megapixels", "a.jpg", jpeg(8_160, 6_144)),
        ("110 megapixels", "a.png", png(11_000, 10_000)),
        ("an address first", "a.csv", b"<anna@example.org>;<customer>\r\n".to_vec()),
        ("a word about markup", "a.txt", b"A page begins with <html>.\n".to_vec()),
    ] {
        let document = alice.upload(Form::default().file(name, media_type(name), &content)).await.ok(201).json();
        let path = format!("/api/v1/documents/{}/content", document["id"].as_str().unwrap());
        assert!(alice.get(&path).await.ok(200).body == content, "{what}: unchanged");
    }
}

#[actix_web::test]
async fn maximum_number_of_pixels_is_configurable() {
    let app = TestApp::with(&[("STRONGROOM_DOCUMENTS_MAX_PIXELS", "1500000")]).await;
    let alice = app.user("alice").await;
    alice.upload(Form::default().file("a.png", "image/png", &png(1_500, 1_000))).await.ok(201);
    let reply = alice.upload(Form::default().file("a.png", "image/png", &png(1_501, 1_000))).await;
    let message = "has more than 1.5 million pixels: scale the picture down and upload the smaller one";
    assert_refused_with_message(&reply, message, "one column more");
}
