//! Background workers continue after a panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use strongroom::app::supervisor::{Stage, Supervisor, Worker};

use crate::support::{TestApp, wait};

#[actix_web::test]
async fn worker_that_panics_is_restarted_counted_and_reported() {
    let app = TestApp::start().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let worker = Worker::new("fragile", Stage::Immediate, runs.clone(), |runs| async move {
        assert_ne!(runs.fetch_add(1, Ordering::SeqCst), 0, "the first run panics");
        std::future::pending().await
    });
    let supervisor = Supervisor::start(vec![worker], &app.services().recorder);
    let health = supervisor.health().remove(0);
    wait::until("the restart", async || health.restarts() == 1 && health.is_running()).await;
    wait::until("the second run", async || runs.load(Ordering::SeqCst) == 2).await;
    wait::until("the event", async || {
        let events = "select count(*) from security_events where kind = 'sys_error' and reason = 'worker_panicked'";
        sqlx::query_scalar::<_, i64>(events).fetch_one(&app.all_rows).await.unwrap() == 1
    })
    .await;
    supervisor.end_immediate();
}

#[actix_web::test]
async fn worker_that_ends_is_not_restarted() {
    let app = TestApp::start().await;
    let worker = Worker::new("short", Stage::Delivery, (), |()| std::future::ready(()));
    let mut supervisor = Supervisor::start(vec![worker], &app.services().recorder);
    let health = supervisor.health().remove(0);
    assert!(supervisor.ended(Stage::Delivery, std::time::Duration::from_secs(5)).await);
    assert!(!health.is_running());
    assert_eq!(health.restarts(), 0);
}
