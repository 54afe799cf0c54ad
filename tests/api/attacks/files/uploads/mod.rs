//! Attacks through uploads (API4, API8, ASVS V5):
//! - forms that two readers read differently ([`forms`], [`part_heads`]);
//! - files that are not what they say ([`types`], [`contents`]), and PDFs with active content ([`pdf`]);
//! - more than there is room for ([`room`]), slow clients and clients that go away ([`transfers`]);
//! - harm on the way out ([`downloads`]).
//!
//! After each refusal nothing is kept: no row, no bytes, no reserved room.

mod contents;
mod corpus;
mod downloads;
mod forms;
mod part_heads;
mod pdf;
mod room;
mod transfers;
mod types;

use crate::features::documents::kept;
use crate::support::client::Reply;
use crate::support::{TestApp, wait};

const INVALID: &str = "input_validation_fail/invalid_input";

/// No row, no bytes, no room.
async fn nothing_is_kept(app: &TestApp) {
    let rows = "select (select count(*) from documents) + (select count(*) from document_uploads)
        + (select count(*) from document_removals) + (select coalesce(sum(files + bytes), 0)::bigint from document_usage)";
    let rows: i64 = sqlx::query_scalar(rows).fetch_one(&app.all_rows).await.unwrap();
    assert_eq!((rows, kept(app).await), (0, Vec::new()));
}

/// The same, once a broken-off request has been noticed.
async fn soon_nothing_is_kept(app: &TestApp) {
    let held = "select count(*) from document_removals";
    wait::until_equal(0_i64, async || sqlx::query_scalar(held).fetch_one(&app.all_rows).await.unwrap()).await;
    nothing_is_kept(app).await;
}

/// The whole refusal of a file, with this message.
#[track_caller]
fn is_refused_with(reply: &Reply, message: &str, what: &str) {
    is_refused(reply, "/file", what);
    assert_eq!(reply.json()["errors"], serde_json::json!([{"pointer": "/file", "message": message}]), "{what}");
}

#[track_caller]
fn is_refused(reply: &Reply, pointer: &str, what: &str) {
    let said = reply.text();
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (400, &"invalid_input".into()), "{what}: {said}");
    assert_eq!(reply.json()["errors"][0]["pointer"], pointer, "{what}: {said}");
    assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 1, "{what}");
    reply.assert_events(&[INVALID]);
}
