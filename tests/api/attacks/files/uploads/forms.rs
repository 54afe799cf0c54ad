//! Ambiguous forms (CWE-436), which two parsers could read differently.

use reqwest::Method;
use uuid::Uuid;

use super::{INVALID, assert_nothing_is_stored, assert_part_refused};
use crate::support::TestApp;
use crate::support::files::pdf;
use crate::support::form::Form;

const FILE: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n";

#[actix_web::test]
async fn form_with_unknown_duplicate_or_invalid_parts_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let sound = Form::valid;
    let with = |header: &str| Form::default().raw(&format!("{FILE}{header}\r\n"), b"x\n");
    let before = app.digest_all().await;
    for (what, pointer, form) in [
        ("no file", "/file", Form::default().text("title", "Terms")),
        ("two files", "/file", sound().file("b.txt", "text/plain", b"Other.\n")),
        ("two titles", "/title", sound().text("title", "One").text("title", "Other")),
        ("two invoices", "/invoice_id", sound().text("invoice_id", "a").text("invoice_id", "b")),
        ("another's document", "/id", sound().text("id", &Uuid::new_v4().to_string())),
        ("an owner", "/owner_id", sound().text("owner_id", &Uuid::new_v4().to_string())),
        ("a size", "/size", sound().text("size", "1")),
        ("a hash", "/sha256", sound().text("sha256", &"0".repeat(64))),
        ("a type", "/media_type", sound().text("media_type", "text/html")),
        ("a key", "/storage_key", sound().text("storage_key", &Uuid::new_v4().to_string())),
        ("a name of slashes", "/a~1b", sound().text("a/b", "x")),
        ("no title", "/title", sound().text("title", "")),
        ("a blank title", "/title", sound().text("title", "  ")),
        ("a title of two lines", "/title", sound().text("title", "Terms\r\nSet-Cookie: a=b")),
        ("an invisible title", "/title", sound().text("title", "\u{200b}\u{feff}")),
        ("a long title", "/title", sound().text("title", &"x".repeat(201))),
        ("a longer title", "/title", sound().text("title", &"x".repeat(100_000))),
        (
            "a title that is a file",
            "/title",
            sound().raw("Content-Disposition: form-data; name=\"title\"; filename=\"a\"\r\n", b"x"),
        ),
        (
            "a title that is JSON",
            "/title",
            sound().raw("Content-Disposition: form-data; name=\"title\"\r\nContent-Type: application/json\r\n", b"{}"),
        ),
        ("a title of no text", "/title", sound().raw("Content-Disposition: form-data; name=\"title\"\r\n", b"\xff")),
        ("a file without a name", "/file", Form::default().text("file", "x")),
        ("an encoding", "/file", with("Content-Transfer-Encoding: base64")),
        ("packed", "/file", with("Content-Encoding: gzip")),
        ("two types", "/file", with("Content-Type: text/csv")),
        ("two dispositions", "/file", with("Content-Disposition: form-data; name=\"title\"")),
        (
            "a form in it",
            "",
            Form::default().raw(
                "Content-Disposition: form-data; name=\"file\"\r\nContent-Type: multipart/mixed; boundary=b\r\n",
                b"--b\r\n\r\nx\r\n--b--",
            ),
        ),
        (
            "an attachment",
            "",
            Form::default().raw("Content-Disposition: attachment; name=\"file\"; filename=\"a.txt\"\r\n", b"x"),
        ),
        ("no disposition", "", Form::default().raw("Content-Type: text/plain\r\n", b"x")),
        ("no name", "", Form::default().raw("Content-Disposition: form-data\r\n", b"x")),
    ] {
        assert_part_refused(&alice.upload(form).await, pointer, what);
    }
    assert_eq!(app.digest_all().await, before);
    assert_nothing_is_stored(&app).await;
    alice.upload(sound().text("title", &"x".repeat(200))).await.ok(201);
}

/// The client sends truncated bodies, bodies that continue after the final boundary, other media types, or no boundary.
#[actix_web::test]
async fn malformed_form_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let send = |kind: &str, body: Vec<u8>| alice.request(Method::POST, "/api/v1/documents").body(kind, body).send();
    let form = Form::content_type();
    for (what, body) in [
        ("nothing", Vec::new()),
        ("text", b"title=Terms".to_vec()),
        ("cut off", Form::valid().truncated()),
        ("cut off in a head", b"--a-boundary-that-is-in-no-file\r\nContent-Dis".to_vec()),
        ("its end and more", [Form::default().bytes(), Form::valid().bytes()].concat()),
    ] {
        let reply = send(&form, body).await;
        assert_eq!(reply.status.as_u16(), 400, "{what}");
        reply.assert_events(&[INVALID]);
    }
    for kind in [
        "application/json",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "multipart/mixed; boundary=a-boundary-that-is-in-no-file",
        "multipart/form-data-x; boundary=a-boundary-that-is-in-no-file",
        "text/plain",
    ] {
        let reply = send(kind, Form::valid().bytes()).await;
        reply
            .assert_refused(415, "unsupported_media_type")
            .assert_events(&["input_validation_fail/unsupported_media_type"]);
    }
    for kind in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\""] {
        assert_eq!(send(kind, Form::valid().bytes()).await.status.as_u16(), 400, "{kind}");
    }
    let packed = alice.request(Method::POST, "/api/v1/documents").header("content-encoding", "gzip");
    packed.form(Form::valid()).send().await.assert_refused(415, "unsupported_media_type");
    let twice = alice.request(Method::POST, "/api/v1/documents").header("content-type", "text/plain");
    twice.form(Form::valid()).send().await.assert_refused(415, "unsupported_media_type");
    assert_nothing_is_stored(&app).await;
}

#[actix_web::test]
async fn oversized_part_header_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let head = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{}.txt\"\r\n", "x".repeat(9 * 1024));
    let reply = alice.upload(Form::default().raw(&head, b"x")).await;
    reply.assert_refused(413, "payload_too_large").assert_events(&["input_validation_fail/payload_too_large"]);
    assert_nothing_is_stored(&app).await;
}

/// BOLA: the form contains a malformed id, or the id of a missing invoice or of another user's invoice.
#[actix_web::test]
async fn foreign_invoice_in_a_form_is_refused_like_a_missing_one() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (foreign, foreign_document) = (bob.invoice().await, bob.document().await);
    let before = app.digest_all().await;
    let on = |invoice: &str| alice.upload(Form::valid().text("invoice_id", invoice));
    let missing = on(&Uuid::new_v4().to_string()).await;
    assert_part_refused(&missing, "/invoice_id", "missing");
    for other in
        [foreign.as_str(), &foreign_document, &alice.customer().await, "", "1", &foreign.to_uppercase(), "null"]
    {
        let reply = on(other).await;
        assert_eq!(reply.comparable(), missing.comparable(), "{other}");
        assert_eq!(reply.statements(), missing.statements(), "{other}");
        reply.assert_events(&[INVALID]);
    }
    let after = app.digest(&["documents", "document_uploads", "invoices"]).await;
    assert!(before.contains(after.split(' ').next().unwrap()), "no new document");
    assert_eq!(crate::features::documents::stored_files(&app).await.len(), 1, "only Bob's file is stored");
    alice.upload(Form::default().file("a.pdf", "application/pdf", &pdf(""))).await.ok(201);
}
