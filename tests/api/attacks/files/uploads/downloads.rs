//! Downloads: a file is an attachment with a sanitized name, and a range stays within the file.

use reqwest::Method;

use crate::support::TestApp;
use crate::support::files::pdf;
use crate::support::form::Form;

async fn content_of(alice: &crate::support::Actor, form: Form) -> String {
    let document = alice.upload(form).await.ok(201).json();
    format!("/api/v1/documents/{}/content", document["id"].as_str().unwrap())
}

/// File names of clients, and the stored names.
const NAMES: [(&str, &str); 14] = [
    ("..%2F..%5Cetc%2fpasswd.txt", "_.._etc_passwd.txt"),
    ("a.exe%00.txt", "a.exe.txt"),
    ("=?utf-8?B?Li4vLi4vZXRjL3Bhc3N3ZA0KWDogMS50eHQ=?=", "_.._etc_passwdX_ 1.txt"),
    ("a%0D%0ASet-Cookie%3A x=1.txt", "aSet-Cookie_ x=1.txt"),
    ("../../etc/passwd.txt", "_.._etc_passwd.txt"),
    ("..\\\\..\\\\boot.txt", "_.._boot.txt"),
    ("/etc/shadow.txt", "_etc_shadow.txt"),
    ("C:\\con.txt", "C_con.txt"),
    ("con.txt", "_con.txt"),
    ("a\\\"; filename=\\\"b.exe\\\"; x=\\\".txt", "a__ filename=_b.exe__ x=_.txt"),
    ("a;b%00.txt", "a_b.txt"),
    ("\u{202e}gpj\u{2066}.txt", "gpj.txt"),
    ("$(id)`id`|id.txt", "$(id)`id`_id.txt"),
    (".htaccess.txt", "htaccess.txt"),
];

#[actix_web::test]
async fn file_name_is_sanitized_for_headers_and_file_systems() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (sent, saved) in NAMES {
        let path = content_of(&alice, Form::default().file(sent, "text/plain", b"x\n")).await;
        let reply = alice.get(&path).await.ok(200);
        let disposition = reply.header("content-disposition").unwrap();
        assert_eq!(disposition, format!("attachment; filename=\"{saved}\""), "{sent}");
        let document = alice.get(path.strip_suffix("/content").unwrap()).await.ok(200).json();
        assert_eq!(document["file_name"], saved);
    }
    let long = format!("{}.txt", "ж".repeat(2_000));
    let path = content_of(&alice, Form::default().file(&long, "text/plain", b"x\n")).await;
    let reply = alice.get(&path).await.ok(200);
    let disposition = reply.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment; filename=\"") && disposition.ends_with(".txt"), "{disposition}");
    assert!(disposition.len() < 1_500 && disposition.contains("; filename*=UTF-8''%D0%B6"), "{disposition}");
}

/// The name could inject a header into the response of a download.
#[actix_web::test]
async fn line_break_in_a_file_name_injects_no_header() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for name in ["a\r\nSet-Cookie: x=1.txt", "a\nX: 1.txt", "a\rb.txt", "a\0.txt"] {
        let reply = alice.upload(Form::default().file(name, "text/plain", b"x\n")).await;
        assert_eq!(reply.status.as_u16(), 400, "{name:?}");
    }
    super::assert_nothing_is_stored(&app).await;
}

/// Stored XSS: a file looks like a web page. The service sends the file as text, with headers that forbid sniffing. If
/// a browser displays it anyway, the page has no origin and no rights.
#[actix_web::test]
async fn download_is_an_attachment_and_never_rendered() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let page = b"Hello <html><script>alert(1)</script></html>\n";
    for (form, kind) in [
        (Form::default().file("a.txt", "text/plain", page), "text/plain; charset=utf-8"),
        (Form::default().file("a.csv", "text/csv", page), "text/csv; charset=utf-8"),
        (Form::default().file("a.pdf", "application/pdf", &pdf("")), "application/pdf"),
    ] {
        let path = content_of(&alice, form).await;
        for range in [None, Some("bytes=6-11")] {
            let request = alice.request(Method::GET, &path).header("accept", "text/html");
            let reply = match range {
                Some(range) => request.header("range", range).send().await.ok(206),
                None => request.send().await.ok(200),
            };
            assert_eq!(reply.header("content-type"), Some(kind));
            assert!(reply.header("content-disposition").unwrap().starts_with("attachment; filename="));
            assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
            assert!(reply.header("content-security-policy").unwrap().contains("; sandbox"));
            assert_eq!(reply.header("cache-control"), Some("no-store"));
            assert_eq!(reply.header("cross-origin-resource-policy"), Some("same-origin"));
            assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
        }
    }
}

/// In other servers, one request with many ranges returned the whole file many times.
#[actix_web::test]
async fn range_returns_at_most_the_file() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let path = content_of(&alice, Form::valid()).await;
    let with = |range: &str| alice.request(Method::GET, &path).header("range", range).send();
    let many = format!("bytes={}", ["0-"; 1_000].join(","));
    for whole in [many.as_str(), "bytes=0-1,1-2", "bytes=a-b", "bytes=5-1", "lines=1-2", "bytes", "bytes=--1", ""] {
        let reply = with(whole).await.ok(200);
        assert_eq!((reply.body.len(), reply.header("content-range")), (28, None), "{whole}");
    }
    for behind in ["bytes=28-", "bytes=1000000-", "bytes=18446744073709551615-", "bytes=-0"] {
        let reply = with(behind).await;
        reply
            .assert_refused(416, "range_not_satisfiable")
            .assert_events(&["input_validation_fail/range_not_satisfiable"]);
        assert_eq!(reply.header("content-range"), Some("bytes */28"), "{behind}");
    }
    for all in ["bytes=0-18446744073709551615", "bytes=-1000000"] {
        assert_eq!(with(all).await.ok(206).body.len(), 28, "{all}");
    }
    let twice = alice.request(Method::GET, &path).header("range", "bytes=0-1").header("range", "bytes=0-2");
    assert!(twice.send().await.body.len() <= 28);
}

/// Only the download route returns a stored file. The attacker tries its storage key and its path.
#[actix_web::test]
async fn storage_folder_is_not_served() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.document().await;
    let [key] = &crate::features::documents::stored_files(&app).await[..] else { panic!("one file") };
    let before = app.digest_all().await;
    for path in [
        format!("/api/v1/documents/{key}"),
        format!("/api/v1/documents/{key}/content"),
        format!("/objects/{key}"),
        format!("/documents/objects/{key}"),
        format!("/api/v1/documents/..%2fobjects%2f{key}/content"),
        format!("/api/v1/documents/%2e%2e/objects/{key}"),
    ] {
        alice.get(&path).await.assert_refused(404, "not_found");
    }
    assert_eq!(app.digest_all().await, before);
}

/// BOLA, with range requests and conditional requests.
#[actix_web::test]
async fn foreign_document_content_returns_404_like_a_missing_one() {
    let app = TestApp::start().await;
    let (alice, mallory) = (app.user("alice").await, app.user("mallory").await);
    let path = content_of(&alice, Form::valid()).await;
    let tag = alice.get(&path).await.ok(200).header("etag").unwrap().to_owned();
    let missing = mallory.get(&format!("/api/v1/documents/{}/content", uuid::Uuid::new_v4())).await;
    for (name, value) in [
        ("range", "bytes=0-1"),
        ("range", "bytes=1000-"),
        ("if-none-match", "*"),
        ("if-none-match", tag.as_str()),
        ("if-range", tag.as_str()),
        ("accept", "text/plain"),
    ] {
        let reply = mallory.request(Method::GET, &path).header(name, value).send().await;
        reply.assert_refused(404, "not_found").assert_events(&["authz_fail/not_found"]);
        assert_eq!(reply.comparable(), missing.comparable(), "{name}: {value}");
        assert_eq!(reply.statements(), missing.statements());
    }
}
