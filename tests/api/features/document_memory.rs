//! Files are streamed: fifty parallel transfers of 4 MiB each need far less than 200 MiB of memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream;

use crate::support::client::Client;
use crate::support::form::Form;
use crate::support::program::Program;
use crate::support::{Actor, TestApp};

const AT_ONCE: usize = 50;
const SIZE: usize = 4 * 1024 * 1024;
/// How much the resident memory of the process may grow, in KiB.
const GROWTH: u64 = 64 * 1024;

/// Returns a form with a file of [`SIZE`], as a stream.
fn long() -> reqwest::Body {
    const MIB: &[u8] = &[b'x'; 1024 * 1024];
    let whole = Form::default().file("long.txt", "text/plain", b"MIDDLE").bytes();
    let at = whole.windows(6).position(|six| six == b"MIDDLE").unwrap();
    let (head, tail) = (whole[..at].to_vec(), whole[at + 6..].to_vec());
    let pieces = (0..=SIZE / MIB.len() + 1).map(move |n| {
        Ok::<_, std::io::Error>(match n {
            0 => head.clone(),
            n if n <= SIZE / MIB.len() => MIB.to_vec(),
            _ => tail.clone(),
        })
    });
    reqwest::Body::wrap_stream(stream::iter(pieces.collect::<Vec<_>>()))
}

#[actix_web::test]
async fn fifty_parallel_transfers_are_streamed() {
    let app = TestApp::start().await;
    app.user("alice").await;
    let program = Program::start(&app.database);
    let client = Client::from_address(&program.base, [127, 0, 0, 1].into());
    let alice = Actor::sign_in(&client, "alice@example.com", crate::support::actor::PASSWORD).await;
    alice.upload(Form::valid()).await.ok(201);
    let before = program.resident();
    let most = Arc::new(AtomicU64::new(0));
    let watch = {
        let (most, program) = (most.clone(), &program);
        async move {
            loop {
                most.fetch_max(program.resident(), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/api/v1/documents", program.base);
    let upload = async || {
        let request = http.post(&url).bearer_auth(&alice.token).header("content-type", Form::content_type());
        let reply = request.body(long()).send().await.unwrap();
        let (status, text) = (reply.status().as_u16(), reply.text().await.unwrap());
        assert_eq!(status, 201, "{text}");
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let download = async |id: String| {
        let request = http.get(format!("{url}/{id}/content")).bearer_auth(&alice.token);
        let mut reply = request.send().await.unwrap().error_for_status().unwrap();
        let mut length = 0;
        while let Some(piece) = reply.chunk().await.unwrap() {
            length += piece.len();
        }
        assert_eq!(length, SIZE);
    };
    let both = async {
        let made = join_all((0..AT_ONCE).map(|_| upload())).await;
        let after_uploads = most.load(Ordering::Relaxed);
        join_all(made.into_iter().map(&download)).await;
        after_uploads
    };
    let up = tokio::select! { up = both => up, () = watch => unreachable!() };
    let down = most.load(Ordering::Relaxed);
    assert!(
        up < before + GROWTH && down < before + GROWTH,
        "memory: {before} KiB before, {up} KiB after the uploads, {down} KiB after the downloads"
    );
}
