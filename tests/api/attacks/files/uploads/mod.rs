//! Attacks through uploads (API4, API8, ASVS V5):
//! - forms that two parsers read differently ([`forms`], [`part_heads`]);
//! - files of another type than declared ([`types`], [`contents`]), and PDFs with active content ([`pdf`]);
//! - quota exhaustion ([`quotas`]), slow clients and disconnects ([`transfers`]);
//! - stored XSS and header injection by downloads ([`downloads`]).
//!
//! After each refusal, the tests check that nothing is left: no row, no reservation, and no file in the store.

mod contents;
mod corpus;
mod downloads;
mod forms;
mod part_heads;
mod pdf;
mod quotas;
mod transfers;
mod types;

use crate::features::documents::stored_files;
use crate::support::reply::Reply;
use crate::support::{TestApp, wait};

const INVALID: &str = "input_validation_fail/invalid_input";

async fn assert_nothing_is_stored(app: &TestApp) {
    let rows = "select (select count(*) from documents) + (select count(*) from document_uploads)
        + (select count(*) from outbox where queue = 'blob_deletion' and done_at is null) + (select coalesce(sum(files + bytes), 0)::bigint from document_usage)";
    let rows: i64 = sqlx::query_scalar(rows).fetch_one(&app.all_rows).await.unwrap();
    assert_eq!((rows, stored_files(app).await), (0, Vec::new()));
}

/// Waits until the service has no more files to delete. Then no row, no file and no reservation may be left.
async fn wait_until_nothing_is_stored(app: &TestApp) {
    let queued = "select count(*) from outbox where queue = 'blob_deletion' and done_at is null";
    wait::until_equal(0_i64, async || sqlx::query_scalar(queued).fetch_one(&app.all_rows).await.unwrap()).await;
    assert_nothing_is_stored(app).await;
}

/// Asserts the message and the rest of the refusal.
#[track_caller]
fn assert_refused_with_message(reply: &Reply, message: &str, what: &str) {
    assert_part_refused(reply, "/file", what);
    assert_eq!(reply.json()["errors"], serde_json::json!([{"pointer": "/file", "message": message}]), "{what}");
}

#[track_caller]
fn assert_part_refused(reply: &Reply, pointer: &str, what: &str) {
    let body = reply.text();
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (400, &"invalid_input".into()), "{what}: {body}");
    assert_eq!(reply.json()["errors"][0]["pointer"], pointer, "{what}: {body}");
    assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 1, "{what}");
    reply.assert_events(&[INVALID]);
}
