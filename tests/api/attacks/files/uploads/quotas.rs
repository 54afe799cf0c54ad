//! Storage quota (API4): parallel uploads cannot exceed the quota, and failed uploads release their reservation.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use reqwest::Method;

use super::{assert_nothing_is_stored, wait_until_nothing_is_stored};
use crate::features::documents::stored_files;
use crate::support::form::Form;
use crate::support::{Actor, Reply, TestApp};

const TOO_MUCH: &str = "sequence_fail/quota_exceeded";

async fn twenty_at_once_where_ten_fit(app: &TestApp) {
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let replies = join_all((0..20).map(|_| alice.upload(Form::with_size(10_000)))).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status.as_u16() == 201);
    assert_eq!(made.len(), 10);
    for reply in refused {
        reply.assert_refused(409, "quota_exceeded").assert_events(&[TOO_MUCH]);
    }
    assert_eq!(stored_files(app).await.len(), 10);
    let used: String =
        sqlx::query_scalar("select files || ' ' || bytes from document_usage").fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(used, "10 100000");
    bob.upload(Form::with_size(10_000)).await.ok(201);
    let id = made[0].json()["id"].as_str().unwrap().to_owned();
    alice.delete(&format!("/api/v1/documents/{id}"), "\"1\"").await.ok(204);
    alice.upload(Form::with_size(10_000)).await.ok(201);
    alice.upload(Form::with_size(10_000)).await.assert_refused(409, "quota_exceeded");
}

#[actix_web::test]
async fn parallel_uploads_cannot_exceed_the_file_quota() {
    let app = TestApp::with(&[("STRONGROOM_DOCUMENTS_QUOTA_COUNT", "10")]).await;
    twenty_at_once_where_ten_fit(&app).await;
}

/// Each upload first reserves the bytes of its `Content-Length`.
#[actix_web::test]
async fn parallel_uploads_cannot_exceed_the_byte_quota() {
    let app = TestApp::with(&[("STRONGROOM_DOCUMENTS_QUOTA_BYTES", "109999")]).await;
    let alice = app.user("zoe").await;
    let replies = join_all((0..20).map(|_| alice.upload(Form::with_size(10_000)))).await;
    let made = replies.iter().filter(|reply| reply.status.as_u16() == 201).count();
    // A reservation is larger than its file, because `Content-Length` includes the form. It shrinks when the upload
    // completes. So the quota may admit only nine files while all uploads run, and then a tenth one.
    assert!((9..=10).contains(&made), "{made}");
    if made == 9 {
        alice.upload(Form::with_size(10_000)).await.ok(201);
    }
    alice.upload(Form::with_size(10_000)).await.assert_refused(409, "quota_exceeded").assert_events(&[TOO_MUCH]);
    assert_eq!(stored_files(&app).await.len(), 10);
}

#[actix_web::test]
async fn upload_larger_than_the_quota_is_refused_at_once() {
    let app = TestApp::with(&[("STRONGROOM_DOCUMENTS_QUOTA_BYTES", "5000")]).await;
    let alice = app.user("alice").await;
    let reply = alice.upload(Form::with_size(10_000)).await;
    reply.assert_refused(409, "quota_exceeded").assert_events(&[TOO_MUCH]);
    // Without `Content-Length`, the reservation is the maximum size of a file, which exceeds this quota.
    let body = reqwest::Body::wrap_stream(stream::iter([Ok::<_, std::io::Error>(Form::valid().bytes())]));
    let reply = alice.request(Method::POST, "/api/v1/documents").body(&Form::content_type(), body).send().await;
    reply.assert_refused(409, "quota_exceeded");
    assert_nothing_is_stored(&app).await;
}

/// A killed process cannot release its reservation.
#[actix_web::test]
async fn reservation_of_a_killed_process_expires() {
    let app = TestApp::with(&[("STRONGROOM_DOCUMENTS_QUOTA_COUNT", "1")]).await;
    let alice = app.user("alice").await;
    let dead = uuid::Uuid::new_v4();
    let left = "with me as (select id from users), a as (insert into document_usage select id, 100, 1 from me),
        b as (insert into document_uploads select id, $1, 100 from me)
        insert into outbox (id, queue, kind, subject_id, created_at, next_attempt_at)
            select $1, 'blob_deletion', 'blob', id, now(), $2 from me";
    let due = app.clock.now() + TimeDelta::hours(2);
    sqlx::query(left).bind(dead).bind(due).execute(&app.all_rows).await.unwrap();
    let folder = app.services().settings.documents.folder.clone();
    std::fs::write(folder.join("objects").join(dead.to_string()), "bytes").unwrap();
    std::fs::write(folder.join("incoming").join(dead.to_string()), "byt").unwrap();
    let again = async || Actor::sign_in(&app.anonymous(), &alice.email, &alice.password).await;
    let sweep = async || {
        app.services().uploads.deletions.notify();
        app.replica().uploads.deletions.sweep().await.unwrap();
        stored_files(&app).await
    };
    app.clock.advance(TimeDelta::minutes(119));
    sweep().await;
    again().await.upload(Form::valid()).await.assert_refused(409, "quota_exceeded");
    app.clock.advance(TimeDelta::minutes(2));
    sweep().await;
    assert_nothing_is_stored(&app).await;
    again().await.upload(Form::valid()).await.ok(201);
}

/// Starts an upload, waits for `meanwhile` after the first bytes, and sends the rest.
async fn interrupted(actor: &Actor, form: Form, meanwhile: impl Future<Output = ()> + Send + 'static) -> Reply {
    let mut start = form.bytes();
    let end = start.split_off(100);
    let pieces = stream::once(async { Ok::<_, std::io::Error>(start) }).chain(stream::once(async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        meanwhile.await;
        Ok(end)
    }));
    let request = actor.request(Method::POST, "/api/v1/documents");
    request.body(&Form::content_type(), reqwest::Body::wrap_stream(pieces)).send().await
}

/// A refused upload releases its quota by an update of its row in the deletion queue. The rollback of this upload or a
/// sweep may still lock the row. If the release did not wait, the quota would stay reserved for two hours.
#[actix_web::test]
async fn release_waits_for_a_locked_queue_row() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let rows = app.all_rows.clone();
    let refused = Form::valid().text("owner_id", "");
    let reply = interrupted(&alice, refused, async move {
        let mut holding = rows.begin().await.unwrap();
        let locked = sqlx::query("select 1 from outbox where queue = 'blob_deletion' for share")
            .execute(&mut *holding)
            .await
            .unwrap();
        assert_eq!(locked.rows_affected(), 1);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            holding.rollback().await.unwrap();
        });
    });
    reply.await.assert_invalid_field("/owner_id");
    assert_nothing_is_stored(&app).await;
}

/// The upload takes so long that its reservation expires, and a worker deletes its file.
#[actix_web::test]
async fn upload_with_an_expired_reservation_returns_503() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (clock, deletions) = (app.clock.clone(), app.services().uploads.deletions.clone());
    let rows = app.all_rows.clone();
    let reply = interrupted(&alice, Form::valid(), async move {
        clock.advance(TimeDelta::hours(3));
        deletions.notify();
        let open = "select count(*) from outbox where queue = 'blob_deletion' and done_at is null";
        while sqlx::query_scalar::<_, i64>(open).fetch_one(&rows).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let reply = reply.await;
    reply.assert_refused(503, "unavailable");
    wait_until_nothing_is_stored(&app).await;
}

/// A worker has leased the file and is about to delete it.
#[actix_web::test]
async fn upload_whose_file_is_claimed_for_deletion_returns_503() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let rows = app.all_rows.clone();
    let reply = interrupted(&alice, Form::valid(), async move {
        let claim = "update outbox set attempts = attempts + 1 where queue = 'blob_deletion'";
        assert_eq!(sqlx::query(claim).execute(&rows).await.unwrap().rows_affected(), 1);
    });
    let reply = reply.await;
    reply.assert_refused(503, "unavailable");
    wait_until_nothing_is_stored(&app).await;
}

/// When the store is available again, the service deletes what the failed upload has left there.
#[actix_web::test]
async fn unavailable_store_returns_503_and_leaves_no_partial_document() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let there = alice.document().await;
    let folder = app.services().settings.documents.folder.clone();
    let before = app.digest(&["documents"]).await;
    for part in ["incoming", "objects"] {
        let (place, away) = (folder.join(part), folder.join("away"));
        std::fs::rename(&place, &away).unwrap();
        std::fs::write(&place, "not a folder").unwrap();
        let reply = alice.upload(Form::valid()).await;
        reply.assert_refused(503, "unavailable").assert_events(&[]);
        assert!(reply.header("retry-after").is_some());
        if part == "objects" {
            let reply = alice.get(&format!("/api/v1/documents/{there}/content")).await;
            reply.assert_refused(503, "unavailable");
        }
        std::fs::remove_file(&place).unwrap();
        std::fs::rename(&away, &place).unwrap();
    }
    assert_eq!(app.digest(&["documents"]).await, before);
    sqlx::query("update outbox set next_attempt_at = now() where queue = 'blob_deletion'")
        .execute(&app.all_rows)
        .await
        .unwrap();
    assert_eq!(stored_files(&app).await.len(), 1);
    let used: i32 = sqlx::query_scalar("select files from document_usage").fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(used, 1);
    alice.get(&format!("/api/v1/documents/{there}/content")).await.ok(200);
}
