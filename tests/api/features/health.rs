//! Liveness, readiness, and the command `strongroom health`.

use std::process::Command;

use futures_util::future::join_all;
use reqwest::Method;

use crate::support::{TestApp, wait};

#[actix_web::test]
async fn service_is_not_ready_while_the_database_is_unreachable() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let ready = async || app.anonymous().request(Method::GET, "/health/ready").send().await.status.as_u16();
    assert_eq!(ready().await, 204);
    app.database.disconnect().await;
    // The service caches the result of a check for one second, so repeat the request.
    until(503, &ready).await;
    app.anonymous().request(Method::GET, "/health/live").send().await.ok(204);
    app.database.restore().await;
    until(204, &ready).await;
    alice.get("/api/v1/me").await.ok(200);
}

/// The endpoint is public, so a flood of requests must not become a flood of queries (CWE-400).
#[actix_web::test]
async fn parallel_readiness_checks_share_one_database_query() {
    let app = TestApp::start().await;
    let ready = async || app.anonymous().request(Method::GET, "/health/ready").send().await.ok(204);
    let replies = join_all((0..40).map(|_| ready())).await;
    let asked = replies.iter().filter(|reply| !reply.statements().is_empty()).count();
    assert!((1..replies.len() / 2).contains(&asked), "{asked} of {} checks queried the database", replies.len());
    let live = app.anonymous().request(Method::GET, "/health/live").send().await.ok(204);
    assert!(live.statements().is_empty(), "the liveness check must not query the database");
}

/// The container's health check calls this command, because the image contains no other program.
#[actix_web::test]
async fn health_command_checks_the_service_on_this_machine() {
    let app = TestApp::start().await;
    let plain = app.base.strip_prefix("http://").unwrap().to_owned();
    // On a loaded machine, a reply can take longer than the timeout of the command. So the test repeats the command.
    let ready = (Some(0), String::new());
    wait::until_equal(ready.clone(), async || health(&plain)).await;
    // The command must also work if the service listens on all addresses, as in a container.
    let any = format!("0.0.0.0:{}", plain.rsplit(':').next().unwrap());
    wait::until_equal(ready, async || health(&any)).await;
    app.database.disconnect().await;
    until(503, &async || app.anonymous().request(Method::GET, "/health/ready").send().await.status.as_u16()).await;
    let cause = format!("strongroom: the service at {plain} is not ready: see the log of the service\n");
    wait::until_equal((Some(1), cause), async || health(&plain)).await;
    app.database.restore().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, stderr) = health(&free.to_string());
    assert_eq!(code, Some(1));
    assert!(stderr.contains("is not ready") && stderr.contains("refused"), "{stderr}");
}

fn health(plain: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    let settings = [("STRONGROOM_PROFILE", "production"), ("STRONGROOM_HTTP_BIND", plain)];
    let done = command.arg("health").env_clear().envs(settings).output().unwrap();
    (done.status.code(), String::from_utf8(done.stderr).unwrap())
}

async fn until(status: u16, ready: &impl AsyncFn() -> u16) {
    wait::until_equal(status, ready).await;
}
