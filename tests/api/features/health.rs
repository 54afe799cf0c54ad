//! What a load balancer asks. Without a body, a version or a reason.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;

use crate::support::TestApp;
use crate::support::client::Reply;

async fn ask(app: &TestApp, path: &str) -> Reply {
    app.anybody().request(Method::GET, path).send().await
}

/// Asks until readiness is this. An answer holds for a second, so the next one may be the last one again.
async fn ready_becomes(app: &TestApp, status: u16) -> Reply {
    for _ in 0..200 {
        let reply = ask(app, "/health/ready").await;
        if reply.status == status {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("readiness never became {status}");
}

#[actix_web::test]
async fn a_healthy_service_lives_and_is_ready() {
    let app = TestApp::start().await;
    for path in ["/health/live", "/health/ready"] {
        let reply = ask(&app, path).await.ok(204);
        assert!(reply.body.is_empty());
        reply.left(&[]);
    }
    assert!(ask(&app, "/health/live").await.statements().is_empty(), "a lost database is not cured by a restart");
}

#[actix_web::test]
async fn without_its_database_it_lives_and_is_not_ready_until_that_is_back() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    ask(&app, "/health/ready").await.ok(204);
    app.database.cut_off().await;
    let reply = ready_becomes(&app, 503).await;
    reply.refused(503, "unavailable").left(&[]);
    assert!(reply.header("retry-after").is_some());
    ask(&app, "/health/live").await.ok(204);
    app.database.restore().await;
    ready_becomes(&app, 204).await;
    alice.get("/api/v1/me").await.ok(200);
}

/// It is public: whoever asks it a thousand times must not make the database answer a thousand times.
#[actix_web::test]
async fn readiness_asks_the_database_once_for_many_askers() {
    let app = TestApp::start().await;
    let replies = join_all((0..40).map(|_| ask(&app, "/health/ready"))).await;
    let asked = replies.iter().filter(|reply| !reply.statements().is_empty()).count();
    assert!((1..replies.len() / 2).contains(&asked), "{asked} of {} asked the database", replies.len());
}
