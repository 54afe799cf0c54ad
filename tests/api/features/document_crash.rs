//! SIGKILL during uploads and deletions: stored documents stay unchanged, and interrupted requests leave nothing.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use reqwest::Method;
use sqlx::PgPool;

use crate::support::actor::PASSWORD;
use crate::support::client::Client;
use crate::support::database::Role;
use crate::support::folder;
use crate::support::form::Form;
use crate::support::program::Program;
use crate::support::{Actor, TestApp, wait};

const WIDE: &[(&str, &str)] = &[
    ("STRONGROOM_LIMITS_UPLOAD", "100000/1h"),
    ("STRONGROOM_LIMITS_WRITE", "100000/1h"),
    ("STRONGROOM_LIMITS_STANDARD", "100000/1h"),
    ("STRONGROOM_DOCUMENTS_QUOTA_COUNT", "100000"),
];

/// Returns about 200 KB, different for each document.
fn content(writer: u8, n: u32) -> Vec<u8> {
    format!("{writer} {n} of a crash\n").repeat(12_000).into_bytes()
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

type Acknowledged = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Uploads documents and deletes every third one, until the service is killed.
async fn write(client: Client, token: String, writer: u8, acknowledged: Acknowledged) {
    for n in 0_u32.. {
        let content = content(writer, n);
        let form = Form::default().file("crash.txt", "text/plain", &content);
        let request = client.request(Method::POST, "/api/v1/documents").bearer(&token).form(form);
        let Some(reply) = request.try_reply().await else { break };
        let id = reply["id"].as_str().unwrap().to_owned();
        if n % 3 == 2 {
            let path = format!("/api/v1/documents/{id}");
            let request = client.request(Method::DELETE, &path).bearer(&token).header("if-match", "\"1\"");
            // Without a reply, the document may or may not be deleted.
            if request.try_send().await.is_none() {
                break;
            }
        } else {
            acknowledged.lock().unwrap().push((id, content));
        }
    }
}

#[actix_web::test]
async fn sigkill_leaves_no_document_without_its_file_and_no_orphaned_file() {
    let app = TestApp::start().await;
    app.user("alice").await;
    // Stop this service: it would process the queued deletions of the program under test, but in the wrong folder.
    let database = app.stop().await;
    let all_rows = PgPool::connect_with(database.options(Role::Superuser)).await.unwrap();
    let state_dir = folder::new_path();
    let acknowledged = Acknowledged::default();
    let mut program = Program::start_in(&database, &state_dir, WIDE);
    for round in 1..=3 {
        let client = Client::from_address(&program.base, [127, 0, 0, 1].into());
        let token = Actor::sign_in(&client, "alice@example.com", PASSWORD).await.token;
        let writers: Vec<_> = (0..6)
            .map(|writer| actix_web::rt::spawn(write(client.clone(), token.clone(), writer, acknowledged.clone())))
            .collect();
        wait::until("documents are acknowledged", async || acknowledged.lock().unwrap().len() >= 12 * round).await;
        program.kill();
        for writer in writers {
            writer.await.unwrap();
        }
        // Make the reservations of the interrupted uploads expire, and their files old enough for the sweep.
        let due = "update outbox set next_attempt_at = now() where queue = 'blob_deletion'";
        sqlx::query(due).execute(&all_rows).await.unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(3 * 60 * 60);
        let incoming = state_dir.join("documents/incoming");
        for name in names(&incoming) {
            fs::File::open(incoming.join(name)).unwrap().set_modified(long_ago).unwrap();
        }
        // The next start of the program deletes these files.
        program = Program::start_in(&database, &state_dir, WIDE);
    }

    let count = "select count(*) from outbox where queue = 'blob_deletion' and done_at is null";
    wait::until("the sweep is done", async || {
        let left: i64 = sqlx::query_scalar(count).fetch_one(&all_rows).await.unwrap();
        left == 0 && names(&state_dir.join("documents/incoming")).is_empty()
    })
    .await;
    let mut keys: Vec<String> =
        sqlx::query_scalar("select storage_key::text from documents").fetch_all(&all_rows).await.unwrap();
    keys.sort();
    assert_eq!(
        names(&state_dir.join("documents/objects")),
        keys,
        "each document has a file, and there is no other file"
    );
    assert_eq!(names(&state_dir.join("documents/incoming")), Vec::<String>::new());
    let exact = "select not exists (select from document_uploads) and not exists (
        select from document_usage u where row(u.files, u.bytes)::text is distinct from
            (select row(count(*), coalesce(sum(size), 0))::text from documents d where d.owner_id = u.owner_id))";
    assert!(
        sqlx::query_scalar::<_, bool>(exact).fetch_one(&all_rows).await.unwrap(),
        "the quota matches the documents"
    );

    let client = Client::from_address(&program.base, [127, 0, 0, 1].into());
    let alice = Actor::sign_in(&client, "alice@example.com", PASSWORD).await;
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    for (id, content) in acknowledged.iter() {
        let reply = alice.get(&format!("/api/v1/documents/{id}/content")).await.ok(200);
        assert!(reply.body == *content, "{id} has changed");
    }
}
