//! Documents: upload, changes and download.

use std::os::unix::fs::MetadataExt;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actor::draft;
use crate::support::files::{jpeg, pdf, png};
use crate::support::form::Form;
use crate::support::{Actor, TestApp, wait};

const LIST: &str = "/api/v1/documents";

pub fn id_of(document: &Value) -> &str {
    document["id"].as_str().unwrap()
}

/// Waits for all deletions, and returns the names of stored files and of uploads in progress.
pub async fn stored_files(app: &TestApp) -> Vec<String> {
    // While a worker processes a message, the message is not due, but it has `attempts`.
    let due = "select count(*) from outbox
        where queue = 'blob_deletion' and done_at is null and (attempts > 0 or next_attempt_at <= $1)";
    let due = async || sqlx::query_scalar(due).bind(app.clock.now()).fetch_one(&app.all_rows).await.unwrap();
    wait::until_equal(0_i64, due).await;
    let folder = &app.services().settings.documents.folder;
    let names = ["objects", "incoming"].into_iter().flat_map(|part| std::fs::read_dir(folder.join(part)).unwrap());
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

async fn text(app: &TestApp, sql: &'static str) -> String {
    sqlx::query_scalar(sql).fetch_one(&app.all_rows).await.unwrap()
}

#[actix_web::test]
async fn every_type_is_downloaded_unchanged() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    // This content is larger than all buffers of the service.
    let long = "0123456789abcde\n".repeat(40_000).into_bytes();
    for (name, declared, sent, content) in [
        ("terms.pdf", "application/pdf", "application/pdf", pdf("")),
        ("photo.PNG", "image/png", "image/png", png(640, 480)),
        ("photo.jpeg", "image/jpeg", "image/jpeg", jpeg(640, 480)),
        ("sums.csv", "text/csv", "text/csv; charset=utf-8", b"name;sum\r\n\"M\xc3\xbcller\";1,50\r\n".to_vec()),
        ("notes.txt", "text/plain; charset=UTF-8", "text/plain; charset=utf-8", long),
    ] {
        let reply = alice.upload(Form::default().file(name, declared, &content)).await.ok(201);
        let document = reply.json();
        assert_eq!(reply.header("etag"), Some("\"1\""));
        let path = format!("{LIST}/{}", id_of(&document));
        assert_eq!(reply.header("location"), Some(path.as_str()));
        assert_eq!((&document["title"], &document["file_name"]), (&json!(name), &json!(name)));
        assert_eq!((&document["size"], &document["invoice_id"]), (&json!(content.len()), &json!(null)));
        assert_eq!(document["media_type"], sent.split(';').next().unwrap());
        assert_eq!(alice.get(&path).await.ok(200).json(), document);
        let file = alice.get(&format!("{path}/content")).await.ok(200);
        assert!(file.body == content, "{name}");
        assert_eq!(file.header("content-type"), Some(sent));
        assert_eq!(file.header("etag"), Some(format!("\"{}\"", document["sha256"].as_str().unwrap()).as_str()));
    }
    let known = alice.get(LIST).await.ok(200).json()["items"][4]["sha256"].clone();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &pdf(""));
    assert_eq!(known, hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
}

#[actix_web::test]
async fn document_is_renamed_attached_and_detached() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = alice.invoice().await;
    let attached = alice.upload(Form::valid().text("title", "Terms").text("invoice_id", &invoice)).await.ok(201).json();
    assert_eq!((&attached["title"], &attached["invoice_id"]), (&json!("Terms"), &json!(invoice)));
    let detached = alice.document().await;
    let of_invoice = format!("{LIST}?invoice_id={invoice}");
    let listed = alice.get(&of_invoice).await.ok(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0], attached);

    let path = format!("{LIST}/{detached}");
    let renamed = alice.patch(&path, "\"1\"", &json!({"title": "Other"})).await.ok(200);
    assert_eq!((renamed.header("etag"), &renamed.json()["title"]), (Some("\"2\""), &json!("Other")));
    let moved = alice.patch(&path, "\"2\"", &json!({"invoice_id": invoice})).await.ok(200).json();
    assert_eq!((&moved["invoice_id"], &moved["title"]), (&json!(invoice), &json!("Other")));
    assert_eq!(alice.get(&of_invoice).await.ok(200).json()["items"].as_array().unwrap().len(), 2);
    let removed = alice.patch(&path, "\"3\"", &json!({"invoice_id": null})).await.ok(200).json();
    assert_eq!(removed["invoice_id"], json!(null));
    assert_eq!(alice.get(&of_invoice).await.ok(200).json()["items"].as_array().unwrap().len(), 1);
}

/// A document that is detached gets a new version, so that clients with the old `ETag` notice it.
#[actix_web::test]
async fn deleting_a_draft_detaches_its_documents() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let invoice = alice.invoice().await;
    let document = alice.upload(Form::valid().text("invoice_id", &invoice)).await.ok(201).json();
    let path = format!("{LIST}/{}", id_of(&document));
    alice.delete(&format!("/api/v1/invoices/{invoice}"), "\"1\"").await.ok(204);
    let left = alice.get(&path).await.ok(200);
    assert_eq!((left.header("etag"), &left.json()["invoice_id"]), (Some("\"2\""), &json!(null)));
    alice.patch(&path, "\"1\"", &json!({"title": "Other"})).await.assert_refused(412, "stale_version");
    alice.get(&format!("{path}/content")).await.ok(200);
}

#[actix_web::test]
async fn list_pages_are_complete_and_newest_first() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, alice.document().await);
    }
    let (mut seen, mut path) = (Vec::new(), format!("{LIST}?limit=2"));
    loop {
        let page = alice.get(&path).await.ok(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| id_of(item).to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("{LIST}?limit=2&cursor={next}");
    }
    assert_eq!(seen, made);
}

#[actix_web::test]
async fn delete_removes_the_file_and_releases_the_quota() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (one, other) = (alice.document().await, alice.document().await);
    assert_eq!(stored_files(&app).await.len(), 2);
    let path = format!("{LIST}/{one}");
    alice.delete(&path, "\"1\"").await.ok(204);
    alice.get(&path).await.assert_refused(404, "not_found");
    alice.get(&format!("{path}/content")).await.assert_refused(404, "not_found");
    let left = text(&app, "select storage_key::text from documents").await;
    assert_eq!(stored_files(&app).await, [left], "only the file of the other document is left");
    let used = text(&app, "select files || ' files of ' || bytes from document_usage").await;
    assert_eq!(used, "1 files of 28");
    alice.get(&format!("{LIST}/{other}/content")).await.ok(200);
}

#[actix_web::test]
async fn account_deletion_removes_documents_and_files() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    alice.document().await;
    alice.document().await;
    let of_bob = bob.document().await;
    let me = alice.request(Method::DELETE, "/api/v1/me").json(&json!({"password": alice.password}));
    me.send().await.ok(204);
    // A background worker deletes first the rows, and then the files.
    wait::until_equal("1".to_owned(), async || text(&app, "select count(*)::text from documents").await).await;
    assert_eq!(stored_files(&app).await.len(), 1);
    bob.get(&format!("{LIST}/{of_bob}/content")).await.ok(200);
}

#[actix_web::test]
async fn stored_files_are_private_and_have_random_names() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let id = alice.document().await;
    let folder = &app.services().settings.documents.folder;
    for private in ["objects", "incoming"] {
        assert_eq!(std::fs::metadata(folder.join(private)).unwrap().mode() & 0o777, 0o700);
    }
    let [name] = &stored_files(&app).await[..] else { panic!("one file") };
    assert_eq!(std::fs::metadata(folder.join("objects").join(name)).unwrap().mode() & 0o777, 0o600);
    assert_eq!(uuid::Uuid::parse_str(name).unwrap().get_version_num(), 4);
    assert_ne!(*name, id, "the storage key must not be the id, which clients see");
}

#[actix_web::test]
async fn range_and_conditional_requests_are_supported() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let path = format!("{LIST}/{}/content", alice.document().await);
    let whole = alice.get(&path).await.ok(200);
    let tag = whole.header("etag").unwrap().to_owned();
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let with = |name: &str, value: &str| alice.request(Method::GET, &path).header(name, value);
    let part = with("range", "bytes=9-14").header("if-range", &tag).send().await.ok(206);
    assert_eq!((part.text().as_str(), part.header("content-range")), ("within", Some("bytes 9-14/28")));
    assert_eq!(part.header("etag"), Some(tag.as_str()));
    let end = with("range", "bytes=-6").send().await.ok(206);
    assert_eq!((end.text().as_str(), end.header("content-range")), ("days.\n", Some("bytes 22-27/28")));
    let other = with("range", "bytes=9-14").header("if-range", "\"other\"").send().await.ok(200);
    assert_eq!(other.body, whole.body);
    for same in [tag.clone(), format!("W/{tag}"), format!("\"a\", {tag}"), "*".to_owned()] {
        let nothing = with("if-none-match", &same).send().await.ok(304);
        assert_eq!((nothing.body.len(), nothing.header("etag")), (0, Some(tag.as_str())));
    }
    with("if-none-match", "\"other\"").send().await.ok(200);
    let malformed = with("if-none-match", "other").send().await.ok(200);
    assert_eq!(malformed.body, whole.body, "a malformed If-None-Match must be ignored");
}

async fn again(alice: &Actor, key: &str, form: Form) -> crate::support::Reply {
    alice.request(Method::POST, LIST).header("idempotency-key", key).form(form).send().await
}

/// The first upload may have filled the quota, so the repeated upload must not need any quota.
#[actix_web::test]
async fn repeated_upload_with_one_idempotency_key_is_stored_once() {
    let app = TestApp::with(&[("STRONGROOM_DOCUMENTS_QUOTA_COUNT", "1")]).await;
    let alice = app.user("alice").await;
    let form = || Form::valid().text("title", "Terms");
    let first = again(&alice, "key-1", form()).await.ok(201);
    for _ in 0..2 {
        assert_eq!(again(&alice, "key-1", form()).await.comparable(), first.comparable());
    }
    for other in [
        Form::valid(),
        Form::valid().text("title", "Other"),
        Form::default().file("terms.txt", "text/plain", b"Other.\n").text("title", "Terms"),
        Form::default().file("other.txt", "text/plain", b"Delivery within three days.\n").text("title", "Terms"),
    ] {
        again(&alice, "key-1", other)
            .await
            .assert_refused(422, "idempotency_key_reused")
            .assert_events(&["sequence_fail/idempotency_key_reused"]);
    }
    again(&alice, "other", form()).await.assert_refused(409, "quota_exceeded");
    assert_eq!(stored_files(&app).await.len(), 1);
    assert_eq!(text(&app, "select files || '' from document_usage").await, "1");
}

#[actix_web::test]
async fn parallel_uploads_with_one_idempotency_key_store_one_document() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let all = futures_util::future::join_all((0..8).map(|_| again(&alice, "key-1", Form::valid()))).await;
    let made: Vec<_> = all.iter().filter(|reply| reply.status.as_u16() == 201).map(|reply| reply.json()).collect();
    assert!(!made.is_empty() && made.iter().all(|one| *one == made[0]));
    for other in all.iter().filter(|reply| reply.status.as_u16() != 201) {
        other.assert_refused(409, "idempotency_key_in_use");
    }
    assert_eq!(stored_files(&app).await.len(), 1);
    assert_eq!(text(&app, "select files || ' files of ' || bytes from document_usage").await, "1 files of 28");
}

#[actix_web::test]
async fn document_can_be_attached_to_an_issued_invoice() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    let invoice = alice.post("/api/v1/invoices", &draft(&customer)).await.ok(201).json()["id"].clone();
    let invoice = invoice.as_str().unwrap();
    let issue = alice.request(Method::POST, &format!("/api/v1/invoices/{invoice}/issue"));
    issue.header("if-match", "\"1\"").send().await.ok(200);
    alice.upload(Form::valid().text("invoice_id", invoice)).await.ok(201);
}
