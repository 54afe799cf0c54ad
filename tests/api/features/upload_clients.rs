//! Upload forms with exactly the bytes that common HTTP libraries send.

use serde_json::json;

use crate::support::TestApp;
use crate::support::files::{jpeg, pdf};
use crate::support::form::Form;

const CONTENT: &[u8] = b"x\n";

/// Name of a library, its headers for a file and for a text, and the file name that the service must read.
const CLIENTS: [(&str, &str, &str, &str); 9] = [
    (
        "browsers, curl, Python's requests, Node's fetch",
        "Content-Disposition: form-data; name=\"file\"; filename=\"Müller %22A%22 100%.txt\"\r\nContent-Type: text/plain\r\n",
        "Content-Disposition: form-data; name=\"title\"\r\n",
        "Müller _A_ 100_.txt",
    ),
    (
        "Python's aiohttp",
        "Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"file\"; filename=\"M%C3%BCller%20%22A%22%20100%25.txt\"\r\n",
        "Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=\"title\"\r\n",
        "Müller _A_ 100_.txt",
    ),
    (
        "Python's urllib3 1.x",
        "Content-Disposition: form-data; name=\"file\"; filename*=utf-8''M%C3%BCller.txt\r\nContent-Type: text/plain\r\n",
        "Content-Disposition: form-data; name=\"title\"\r\n",
        "Müller.txt",
    ),
    (
        ".NET's HttpClient",
        "Content-Disposition: form-data; name=file; filename=\"=?utf-8?B?TcO8bGxlci50eHQ=?=\"; filename*=utf-8''M%C3%BCller.txt\r\n",
        "Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=title\r\n",
        "Müller.txt",
    ),
    (
        "OkHttp 4",
        "Content-Disposition: form-data; name=\"file\"; filename=\"Müller.txt\"\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: 2\r\n",
        "Content-Disposition: form-data; name=\"title\"\r\nContent-Length: 5\r\n",
        "Müller.txt",
    ),
    (
        "Retrofit 2",
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n",
        "Content-Disposition: form-data; name=\"title\"\r\nContent-Transfer-Encoding: binary\r\n\
         Content-Type: text/plain; charset=UTF-8\r\nContent-Length: 5\r\n",
        "a.txt",
    ),
    (
        "PHP's Guzzle",
        "Content-Disposition: form-data; name=\"file\"; filename=\"Müller.txt\"\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n",
        "Content-Disposition: form-data; name=\"title\"\r\nContent-Length: 5\r\n",
        "Müller.txt",
    ),
    (
        "Spring's RestTemplate",
        "Content-Disposition: form-data; name=\"file\"; filename=\"=?UTF-8?Q?M=C3=BCller_A.txt?=\"\r\nContent-Type: text/plain\r\n\
         Content-Length: 2\r\n",
        "Content-Disposition: form-data; name=\"title\"\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: 5\r\n",
        "Müller A.txt",
    ),
    (
        "Apache's HttpClient 4",
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: application/octet-stream\r\n\
         Content-Transfer-Encoding: binary\r\n",
        "Content-Disposition: form-data; name=\"title\"\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n\
         Content-Transfer-Encoding: 8bit\r\n",
        "a.txt",
    ),
];

#[actix_web::test]
async fn forms_of_common_clients_are_accepted() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (client, file, title, safe_file_name) in CLIENTS {
        let form = Form::default().raw(file, CONTENT).raw(title, b"Terms");
        let document = alice.upload(form).await.ok(201).json();
        assert_eq!((&document["file_name"], &document["title"]), (&json!(safe_file_name), &json!("Terms")), "{client}");
        assert_eq!(document["size"], json!(CONTENT.len()), "{client}");
    }
}

#[actix_web::test]
async fn declared_types_of_common_systems_are_accepted() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let table = b"name;sum\r\na;1\r\n".to_vec();
    for (name, declared, content, media_type) in [
        ("a.csv", "application/vnd.ms-excel", table.clone(), "text/csv"),
        ("a.csv", "text/csv; charset=utf-8; header=present", table.clone(), "text/csv"),
        ("a.csv", "Text/CSV;Charset=\"utf-8\"", table.clone(), "text/csv"),
        ("a.csv", "application/octet-stream", table, "text/csv"),
        ("a.jpg", "image/jpg", jpeg(1, 1), "image/jpeg"),
        ("a.jfif", "image/jpeg", jpeg(1, 1), "image/jpeg"),
        ("a.jpe", "image/pjpeg", jpeg(1, 1), "image/jpeg"),
        ("a.pdf", "application/x-pdf", pdf(""), "application/pdf"),
        ("a.PDF", "application/octet-stream", pdf(""), "application/pdf"),
    ] {
        let document = alice.upload(Form::default().file(name, declared, &content)).await.ok(201).json();
        assert_eq!(document["media_type"], media_type, "{name} {declared}");
    }
    let untyped = "Content-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n";
    let document = alice.upload(Form::default().raw(untyped, &pdf(""))).await.ok(201).json();
    assert_eq!(document["media_type"], "application/pdf");
}

/// The upload has the media type and the name of the download.
#[actix_web::test]
async fn upload_of_an_own_export_is_accepted() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.invoice().await;
    let export = alice.get("/api/v1/invoices/export").await.ok(200);
    let declared = export.header("content-type").unwrap();
    let document = alice.upload(Form::default().file("invoices.csv", declared, &export.body)).await.ok(201).json();
    assert_eq!((&document["media_type"], &document["size"]), (&json!("text/csv"), &json!(export.body.len())));
}

/// The limits are 255 bytes for file names, and 200 characters for titles. No character is cut in the middle.
#[actix_web::test]
async fn long_name_is_truncated_and_keeps_its_extension() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (letter, bytes) in [("x", 254), ("ж", 254), ("図", 253), ("🦀", 252)] {
        let name = format!("{}.txt", letter.repeat(1_000));
        let document = alice.upload(Form::default().file(&name, "text/plain", CONTENT)).await.ok(201).json();
        let saved = document["file_name"].as_str().unwrap();
        assert!(saved.ends_with(&format!("{letter}.txt")), "{saved}");
        assert_eq!(saved.len(), bytes, "{saved}");
        let title = document["title"].as_str().unwrap();
        assert!(title.chars().count() <= 200 && saved.starts_with(title), "{title}");
    }
}
