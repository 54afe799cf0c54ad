//! The corpus in `tests/corpus`: files of real programs are accepted, and hostile variants are refused, each for the
//! reason that its folder names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{assert_nothing_is_stored, assert_part_refused};
use crate::support::TestApp;
use crate::support::form::Form;

/// The folders of `tests/corpus/hostile`, with the beginning of the expected message.
const REASONS: [(&str, &str); 22] = [
    ("after-end", "has other data after the end of the picture"),
    ("archive", "is a ZIP archive too"),
    ("control", "has a control character"),
    ("damaged", "is damaged or incomplete"),
    ("embedded-file", "The PDF contains another file"),
    ("empty", "has no content"),
    ("encrypted", "The PDF is encrypted"),
    ("form-data", "The PDF sends or imports form data"),
    ("javascript", "The PDF contains JavaScript"),
    ("launch", "The PDF can start a program"),
    ("markup", "begins with a tag"),
    ("media", "The PDF contains sound, video or other media"),
    ("name", "must have a file name that ends in"),
    ("not-of-its-type", "is not a "),
    ("not-utf-8", "is not text in UTF-8"),
    ("opens-link", "The PDF opens a web address without a click"),
    ("other-file", "The PDF opens another file"),
    ("pdf-inside", "has a PDF within its first 1024 bytes"),
    ("pixels", "has more than "),
    ("unreadable", "The PDF cannot be read whole"),
    ("utf-16", "is text in UTF-16"),
    ("xfa", "The PDF contains an XFA form"),
];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut entries: Vec<_> = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path())).collect();
    entries.sort();
    entries
}

/// Returns the form that a browser would send. The media type follows from the file's extension (by default PDF).
fn form(name: &str, content: &[u8]) -> Form {
    let media_type = match name.rsplit_once('.').unwrap().1 {
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "csv" => "text/csv",
        "txt" => "text/plain",
        _ => "application/pdf",
    };
    Form::default().file(name, media_type, content)
}

#[actix_web::test]
async fn files_of_real_producers_are_accepted_and_downloaded_unchanged() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut refused = Vec::new();
    for (name, path) in entries(&corpus().join("sound")) {
        let content = fs::read(path).unwrap();
        let reply = alice.upload(form(&name, &content)).await;
        if reply.status.as_u16() != 201 {
            refused.push(format!("{name}: {}", reply.text()));
            continue;
        }
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        let back = alice.get(&format!("/api/v1/documents/{id}/content")).await.ok(200);
        assert!(back.body == content, "{name}");
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

#[actix_web::test]
async fn hostile_files_are_refused_for_the_reason_of_their_folder() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let before = app.digest_all().await;
    let folders = entries(&corpus().join("hostile"));
    let names: Vec<&str> = folders.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, REASONS.map(|(folder, _)| folder));
    let mut wrong = Vec::new();
    for ((folder, path), (_, reason)) in folders.iter().zip(REASONS) {
        for (name, path) in entries(path) {
            let reply = alice.upload(form(&name, &fs::read(path).unwrap())).await;
            if reply.status.as_u16() != 400 || !reply.text().contains(&format!("\"message\":\"{reason}")) {
                wrong.push(format!("{folder}/{name}: {}", reply.text()));
                continue;
            }
            assert_part_refused(&reply, "/file", &format!("{folder}/{name}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(app.digest_all().await, before);
    assert_nothing_is_stored(&app).await;
}

#[test]
fn corpus_is_small_and_comes_from_many_producers() {
    let producers: BTreeSet<String> =
        entries(&corpus().join("sound")).iter().map(|(name, _)| name.split('-').next().unwrap().to_owned()).collect();
    assert!(producers.len() >= 14, "{producers:?}");
    let (mut bytes, mut folders) = (0, vec![corpus()]);
    while let Some(folder) = folders.pop() {
        for (_, path) in entries(&folder) {
            match path.metadata().unwrap() {
                found if found.is_dir() => folders.push(path),
                found => bytes += found.len(),
            }
        }
    }
    assert!(bytes <= 2 * 1024 * 1024, "{bytes}");
}
