//! The service must accept ordinary PDFs without active content.

use super::{upload, user};
use crate::support::pdf_files::{PdfFile, revised};

const INVOICE: &str = "\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n<!-- made by hand -->\n<rsm:CrossIndustryInvoice \
    xmlns:rsm=\"urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100\"><a>1</a></rsm:CrossIndustryInvoice>\n";

fn valid() -> Vec<(&'static str, PdfFile)> {
    let file = PdfFile::default;
    let invoice = |name: &str, entries: &str| {
        file()
            .catalog("/AF [4 0 R] /Names << /EmbeddedFiles << /Names [(factur-x.xml) 4 0 R] >> >>")
            .object(&format!(
                "<< /Type /Filespec /F {name} /UF {name} /AFRelationship /Alternative /EF << /F 5 0 R /UF 5 0 R >> >>"
            ))
            .stream(&format!("/Type /EmbeddedFile {entries}"), INVOICE.as_bytes())
    };
    let plist = b"\xff\xd8\xff\xed Photoshop <!DOCTYPE plist> <svg > <script> /JavaScript (x) \xff\xd9";
    vec![
        ("an empty page", file()),
        ("an open destination", file().catalog("/OpenAction [3 0 R /XYZ null null 0]")),
        ("one that fits", file().catalog("/OpenAction [3 0 R /FitH null]")),
        ("one by reference", file().catalog("/OpenAction 4 0 R").object("[3 0 R /Fit]")),
        ("one by name", file().catalog("/OpenAction /Chapter")),
        ("one by action", file().catalog("/OpenAction << /S /GoTo /D [3 0 R /Fit] >>")),
        ("an action by reference", file().catalog("/OpenAction 4 0 R").object("<< /Type /Action /S /GoTo /D (a) >>")),
        ("a named action", file().catalog("/OpenAction << /S /Named /N /FirstPage >>")),
        ("destinations by name", file().catalog("/Names << /Dests << /Names [(a) [3 0 R /Fit]] >> >>")),
        ("a hyperlink", file().page("/Annots [<< /Subtype /Link /A << /S /URI /URI (https://example.com/) >> >>]")),
        (
            "an outline",
            file()
                .catalog("/Outlines 4 0 R")
                .object("<< /First 5 0 R >>")
                .object("<< /Parent 4 0 R /Dest [3 0 R /Fit] >>"),
        ),
        (
            "a form",
            file().catalog("/AcroForm << /Fields [4 0 R] >>").object("<< /FT /Tx /T (name) /Subtype /Widget >>"),
        ),
        (
            "a font that is called like a script",
            file().page("/Resources << /Font << /JS 4 0 R /AA 4 0 R >> >>").object("<< /Type /Font >>"),
        ),
        ("an e-invoice", invoice("(factur-x.xml)", "/Subtype /text#2Fxml")),
        ("an e-invoice without a type", invoice("(ZUGFeRD-invoice.XML)", "")),
        ("an e-invoice with a name in UTF-16", invoice("<FEFF0061002E0078006D006C>", "/Subtype /application#2Fxml")),
        ("text that looks like an object", file().stream("", b"BT (1 0 obj << /S /JavaScript >> endobj) Tj ET")),
        ("a photograph with metadata in XML", file().stream("/Subtype /Image /Filter /DCTDecode", plist)),
        ("white space of every kind", file().catalog("/Lang\0(en)\x0c/PageMode\t/UseNone\0\0")),
        ("a key given twice alike", file().page("/Rotate 0 /Rotate 0")),
    ]
}

#[actix_web::test]
async fn valid_files_are_accepted_and_stored_unchanged() {
    let (_app, alice) = user().await;
    for (what, file) in valid() {
        let mut padded = file.plain();
        padded.extend(b"\0\0\r\n");
        for (how, bytes) in [
            ("plain", file.plain()),
            ("packed", file.packed()),
            ("padded", padded),
            ("revised", revised(&file.plain(), 90, "null")),
        ] {
            let reply = upload(&alice, &bytes).await;
            assert_eq!(reply.status, 201, "{what}, {how}: {}", reply.text());
            let path = format!("/api/v1/documents/{}/content", reply.json()["id"].as_str().unwrap());
            assert_eq!(alice.get(&path).await.body, bytes, "{what}, {how}");
        }
    }
}

/// The tables of some old programs list missing objects with the offset 0.
#[actix_web::test]
async fn cross_reference_table_with_an_unused_entry_is_accepted() {
    let (_app, alice) = user().await;
    let file = String::from_utf8(PdfFile::default().plain()).unwrap();
    let unused = file.replace("xref\n0 4\n", "xref\n4 1\n0000000000 00000 n \n0 4\n");
    upload(&alice, unused.as_bytes()).await.ok(201);
}
