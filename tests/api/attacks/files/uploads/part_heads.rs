//! Headers of the parts of a form (CWE-436). If a proxy and the service parse a form differently, the proxy scans
//! another file than the service stores. So the service refuses a part whose type contradicts its file name, and
//! ignores the `Content-Length` of a part (RFC 7578, section 4.8).

use super::{assert_nothing_is_stored, assert_part_refused, assert_refused_with_message};
use crate::support::TestApp;
use crate::support::files::png;
use crate::support::form::Form;

const NAME: &str = "must have a file name that ends in .pdf, .png, .jpg, .jpeg, .jpe, .jfif, .csv or .txt";
const DECLARED_TYPE: &str = "has a Content-Type that does not fit its file name: send application/pdf with .pdf, image/png with .png, image/jpeg \
     with .jpg, text/csv with .csv, text/plain with .txt; or application/octet-stream, or no Content-Type";
const CHARSET: &str =
    "is declared in another character set: save the file as UTF-8, and send charset=utf-8 or no charset";

#[actix_web::test]
async fn name_and_declared_type_that_disagree_are_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = app.digest_all().await;
    for (name, declared, message) in [
        ("a.html", "text/plain", NAME),
        ("a.txt.exe", "application/octet-stream", NAME),
        ("a%2Etxt%2Eexe", "text/plain", NAME),
        ("txt", "text/plain", NAME),
        ("", "text/plain", NAME),
        ("a.txt", "text/html", DECLARED_TYPE),
        ("a.txt", "image/svg+xml", DECLARED_TYPE),
        ("a.txt", "application/vnd.ms-excel", DECLARED_TYPE),
        ("a.txt", "text", DECLARED_TYPE),
        ("a.png", "image/jpeg", DECLARED_TYPE),
        ("a.txt", "text/plain; charset=\"utf-7\"", CHARSET),
        ("a.csv", "text/csv; charset=windows-1252; header=present", CHARSET),
    ] {
        let reply = alice.upload(Form::default().file(name, declared, b"a;b\n")).await;
        assert_refused_with_message(&reply, message, &format!("{name} {declared}"));
    }
    for (header, message) in [
        ("Content-Type: text/csv", "has Content-Type twice: send it once"),
        ("Content-Disposition: form-data; name=\"title\"", "has Content-Disposition twice: send it once"),
        (
            "Content-Transfer-Encoding: base64",
            "is encoded: send the bytes as they are, without Content-Transfer-Encoding",
        ),
        ("Content-Encoding: gzip", "is compressed: send the bytes as they are, without Content-Encoding"),
    ] {
        let head = format!(
            "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n{header}\r\n"
        );
        assert_refused_with_message(&alice.upload(Form::default().raw(&head, b"x\n")).await, message, header);
    }
    let latin1 = b"Content-Disposition: form-data; name=\"file\"; filename=\"M\xfcller.txt\"\r\n";
    assert_part_refused(&alice.upload(Form::default().raw_bytes(latin1, b"x\n")).await, "", "a name that is not UTF-8");
    assert_eq!(app.digest_all().await, before);
    assert_nothing_is_stored(&app).await;
}

/// `filename*` overrides `filename` (RFC 6266, section 4.3). A proxy may read only `filename`.
#[actix_web::test]
async fn extended_name_decides_where_two_names_disagree() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let upload = |names: &str| {
        let head = format!("Content-Disposition: form-data; name=\"file\"; {names}\r\n");
        alice.upload(Form::default().raw(&head, b"x\n"))
    };
    for names in ["filename=\"a.txt\"; filename*=utf-8''a.exe", "filename*=utf-8''a.exe; filename=\"a.txt\""] {
        assert_refused_with_message(&upload(names).await, NAME, names);
    }
    assert_nothing_is_stored(&app).await;
    let document = upload("filename=\"a.exe\"; filename*=utf-8''a.txt").await.ok(201).json();
    assert_eq!(document["file_name"], "a.txt");
}

/// With a wrong length, a parser drops the rest of the file, or reads the next part as content of the file.
#[actix_web::test]
async fn content_length_of_a_part_is_ignored() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let content = b"Delivery within three days.\nContent-Length: 3\r\n\r\n";
    for length in ["0", "5", "100000", "18446744073709551616", "-1", "x", ""] {
        let head = format!(
            "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\ncontent-LENGTH: {length}\r\n\
             Content-Type: text/plain\r\n"
        );
        let document = alice.upload(Form::default().raw(&head, content).text("title", "Terms")).await.ok(201).json();
        assert_eq!((&document["size"], &document["title"]), (&content.len().into(), &"Terms".into()), "{length}");
        let path = format!("/api/v1/documents/{}/content", document["id"].as_str().unwrap());
        assert_eq!(alice.get(&path).await.ok(200).body, content.as_slice(), "{length}");
    }
}

/// The declared type is generic or missing.
#[actix_web::test]
async fn generic_type_does_not_bypass_content_inspection() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (name, content) in [("a.jpg", png(1, 1)), ("a.txt", png(1, 1)), ("a.pdf", b"<html>".to_vec())] {
        for declared in ["application/octet-stream", ""] {
            assert_part_refused(&alice.upload(Form::default().file(name, declared, &content)).await, "/file", name);
        }
    }
    assert_nothing_is_stored(&app).await;
}
