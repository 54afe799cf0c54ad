//! API8: the response to a failure does not disclose the cause (CWE-209). The cause is in the log, with the request id.

use futures_util::future::join_all;
use reqwest::Method;

use crate::support::database::TestDatabase;
use crate::support::{TestApp, logs, wait};

#[actix_web::test]
async fn lost_database_returns_503_without_details() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let name = app.database.name().to_owned();
    app.database.disconnect().await;
    let reply = alice.get("/api/v1/invoices").await;
    reply.assert_refused(503, "unavailable");
    assert!(reply.header("retry-after").is_some());
    for word in [name.as_str(), "postgres", "sql", "connection", "socket"] {
        assert!(!reply.text().to_lowercase().contains(word), "{word}: {}", reply.text());
    }
    let told = logs::for_request(&reply.request_id());
    assert!(told.iter().any(|line| line["cause"].is_string()), "the cause is in the log");
    let ready = app.anonymous().request(Method::GET, "/health/ready").send().await;
    ready.assert_refused(503, "unavailable");
    app.anonymous().request(Method::GET, "/health/live").send().await.ok(204);
    app.database.restore().await;
}

#[actix_web::test]
async fn broken_schema_returns_500_with_one_fixed_sentence() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    sqlx::query("alter table customers rename column name to leak_e7f1").execute(&app.all_rows).await.unwrap();
    let reply = alice.get("/api/v1/customers").await;
    reply.assert_refused(500, "internal");
    assert_eq!(reply.json()["title"], "Internal server error");
    assert!(!reply.text().contains("leak") && !reply.text().contains("column"));
    let told = logs::for_request(&reply.request_id());
    assert!(told.iter().any(|line| line["cause"].as_str().is_some_and(|cause| cause.contains("42703"))));
}

#[actix_web::test]
async fn panic_returns_500_like_other_failures() {
    let app = TestApp::start().await;
    // Cause a panic: the version is the largest integer, so the addition of 1 overflows.
    let alice = app.user("alice").await;
    sqlx::query("update users set version = 9223372036854775807").execute(&app.all_rows).await.unwrap();
    let reply = alice.patch("/api/v1/me", "\"9223372036854775807\"", &serde_json::json!({"display_name": "x"})).await;
    reply.assert_refused(500, "internal");
    alice.get("/api/v1/me").await.ok(200);
}

#[actix_web::test]
async fn missing_migration_makes_the_readiness_check_return_503() {
    let app = TestApp::start().await;
    app.anonymous().request(Method::GET, "/health/ready").send().await.ok(204);
    sqlx::query("delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)")
        .execute(&app.all_rows)
        .await
        .unwrap();
    let database: TestDatabase = app.stop().await;
    let app = TestApp::on(database, &[]).await;
    app.anonymous().request(Method::GET, "/health/ready").send().await.assert_refused(503, "unavailable");
}

/// The statement hangs, because another transaction has locked its table.
#[actix_web::test]
async fn hanging_statement_returns_503() {
    let app = TestApp::with(&[("STRONGROOM_DATABASE_STATEMENT_SECONDS", "1")]).await;
    let alice = app.user("alice").await;
    let mut lock = app.all_rows.begin().await.unwrap();
    sqlx::query("lock table customers in access exclusive mode").execute(&mut *lock).await.unwrap();
    let reply = alice.get("/api/v1/customers").await;
    reply.assert_refused(503, "unavailable");
    assert_eq!(reply.header("retry-after"), Some("1"));
    // The hanging request delays no other requests.
    alice.get("/api/v1/me").await.ok(200);
    lock.rollback().await.unwrap();
    alice.get("/api/v1/customers").await.ok(200);
}

/// 20 requests share 16 database connections: 16 time out during their statement, and four get no connection in time.
#[actix_web::test]
async fn hung_database_returns_503_which_is_logged_and_counted_as_503() {
    const REQUESTS: usize = 20;
    let short = [("STRONGROOM_HTTP_REPLY_SECONDS", "10"), ("STRONGROOM_DATABASE_ACQUIRE_SECONDS", "3")];
    let (app, relay) = TestApp::relayed(&short).await;
    let alice = app.user("alice").await;
    let counted = async |status: u16| {
        let series =
            format!("strongroom_http_requests_total{{method=\"GET\",route=\"/api/v1/customers\",status=\"{status}\"}}");
        app.metrics().await.find(&series).unwrap_or_default()
    };
    let mut lock = app.all_rows.begin().await.unwrap();
    sqlx::query("lock table customers in access exclusive mode").execute(&mut *lock).await.unwrap();
    let hang = async {
        // When at least eight requests wait for the lock, the relay holds back all replies of the database.
        let running = "select count(*) >= 8 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        let blocked = async || sqlx::query_scalar(running).fetch_one(&app.all_rows).await.unwrap();
        wait::until("statements wait for the lock", blocked).await;
        relay.withhold(true);
        lock.rollback().await.unwrap();
    };
    let requests = join_all((0..REQUESTS).map(|_| alice.get("/api/v1/customers")));
    let (replies, ()) = futures_util::future::join(requests, hang).await;
    for reply in &replies {
        reply.assert_refused(503, "unavailable");
        assert!(reply.header("retry-after").is_some());
        let told = logs::for_request(&reply.request_id());
        let last = told.iter().find(|line| line["message"] == "request").unwrap();
        assert_eq!(last["status"], 503, "the log must contain the status that the client received");
    }
    let cut_off = |id: String| logs::for_request(&id).iter().any(|line| line["cause"] == "request timed out");
    assert!(replies.iter().any(|reply| cut_off(reply.request_id())), "the deadline ended some requests");
    assert_eq!((counted(503).await, counted(500).await), (REQUESTS as f64, 0.0));

    relay.withhold(false);
    let works = async || alice.get("/api/v1/customers").await.status == 200;
    wait::until("all requests succeed again", works).await;
}
