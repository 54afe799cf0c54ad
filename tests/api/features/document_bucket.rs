//! Documents in a bucket. `.ci/bucket` starts an S3-compatible server, and runs these tests.

use reqwest::Method;

use crate::support::TestApp;
use crate::support::form::Form;

const MIB: usize = 1024 * 1024;

async fn with_bucket(url: &str) -> TestApp {
    TestApp::with(&[
        ("STRONGROOM_DOCUMENTS_S3_URL", url),
        ("STRONGROOM_DOCUMENTS_S3_ACCESS_KEY", "documents"),
        ("STRONGROOM_DOCUMENTS_S3_SECRET_KEY", "a key of loopback"),
        ("STRONGROOM_DOCUMENTS_MAX_BYTES", "20971520"),
    ])
    .await
}

async fn objects(url: &str) -> usize {
    let listed = reqwest::Client::builder().no_proxy().build().unwrap().get(url).send().await.unwrap();
    listed.text().await.unwrap().matches("<Key>").count()
}

#[actix_web::test]
#[ignore = "needs an S3-compatible server: .ci/bucket"]
async fn bucket_stores_and_deletes_documents() {
    let url = std::env::var("TEST_S3_URL").expect(".ci/bucket sets TEST_S3_URL");
    let app = with_bucket(&url).await;
    let alice = app.user("alice").await;
    // The bucket receives these files as one PUT request, as a multipart upload of exactly one part (5 MiB), and as a
    // multipart upload of several parts.
    for size in [28, 5 * MIB, 12 * MIB + 7] {
        let document = alice.upload(Form::with_size(size)).await.ok(201).json();
        assert_eq!(objects(&url).await, 1, "{size}");
        let path = format!("/api/v1/documents/{}", document["id"].as_str().unwrap());
        let content = format!("{path}/content");
        assert!(alice.get(&content).await.ok(200).body == vec![b'x'; size], "{size}");
        let part = alice.request(Method::GET, &content).header("range", "bytes=20-24").send().await.ok(206);
        assert_eq!(part.body, b"xxxxx");
        alice.delete(&path, "\"1\"").await.ok(204);
        assert_eq!((super::documents::stored_files(&app).await, objects(&url).await), (Vec::new(), 0), "{size}");
    }
    alice.upload(Form::default().file("a.png", "image/png", b"no picture")).await.assert_invalid_field("/file");
    assert_eq!((objects(&url).await, super::documents::stored_files(&app).await), (0, Vec::new()));
}

/// The URL of the bucket has port 1, on which no program listens.
#[actix_web::test]
async fn unavailable_bucket_returns_503_and_leaves_no_partial_document() {
    let app = with_bucket("http://127.0.0.1:1/papers").await;
    let alice = app.user("alice").await;
    let reply = alice.upload(Form::valid()).await;
    reply.assert_refused(503, "unavailable").assert_events(&[]);
    assert!(reply.header("retry-after").is_some());
    let documents: i64 = sqlx::query_scalar("select count(*) from documents").fetch_one(&app.all_rows).await.unwrap();
    let queued: i64 =
        sqlx::query_scalar("select count(*) from outbox where queue = 'blob_deletion' and done_at is null")
            .fetch_one(&app.all_rows)
            .await
            .unwrap();
    assert_eq!((documents, queued), (0, 1), "the file stays in the deletion queue until the store is available");
}
