//! The database's disk is full (CWE-770, API4:2023): writes get 503, reads work, the status is `degraded`, and security
//! events wait in memory.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use sqlx::Executor;

use crate::support::actor::{PASSWORD, try_sign_in};
use crate::support::{TestApp, wait};

const EXHAUSTED: &str = "strongroom_database_exhausted";

/// Makes each write fail with the error of a full disk.
async fn fill_disk(app: &TestApp) {
    app.all_rows
        .execute(
            "create function disk_full() returns trigger language plpgsql as $$
             begin raise exception 'could not extend file' using errcode = '53100'; end $$;
             do $$
             declare relation regclass;
             begin
                 for relation in select oid from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace loop
                     execute format('create trigger disk_full before insert or update on %s
                         for each statement execute function disk_full()', relation);
                 end loop;
             end $$",
        )
        .await
        .unwrap();
}

async fn free_disk(app: &TestApp) {
    app.all_rows.execute("drop function disk_full() cascade").await.unwrap();
}

async fn status(app: &TestApp) -> serde_json::Value {
    app.operator().request(Method::GET, "/status").send().await.ok(200).json()
}

#[actix_web::test]
async fn full_disk_returns_503_reports_degraded_status_and_recovers() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    wait::until_equal(0, async || app.services().recorder.queued()).await;
    assert_eq!(status(&app).await, json!({"status": "ok", "reasons": []}));
    let before = app.digest_all().await;
    fill_disk(&app).await;

    let write = alice.request(Method::POST, "/api/v1/customers");
    let body = json!({"name": "Initech", "email": "billing@initech.example", "default_currency": "EUR"});
    let refused = write.json(&body).send().await;
    assert_eq!(refused.assert_refused(503, "unavailable").header("retry-after"), Some("30"));
    try_sign_in(&app.anonymous(), &alice.email, PASSWORD).await.assert_refused(503, "unavailable");
    assert_eq!(app.digest_all().await, before);
    // Reads work, so the replica stays in the load balancer.
    alice.get(&format!("/api/v1/customers/{customer}")).await.ok(200);
    app.anonymous().request(Method::GET, "/health/ready").send().await.ok(204);
    assert_eq!(status(&app).await, json!({"status": "degraded", "reasons": ["database_exhausted"]}));
    assert_eq!(app.metrics().await.value(EXHAUSTED), 1.0);

    // Events of anonymous clients are aggregated, and events about users wait in the queue.
    for _ in 0..100 {
        app.anonymous().request(Method::GET, "/api/v1/me").send().await.assert_refused(401, "unauthenticated");
    }
    alice.get("/api/v1/invoices/10000000-0000-4000-8000-000000000001").await.assert_refused(404, "not_found");
    free_disk(&app).await;
    let user = "select count(*) from security_events where kind = 'authz_fail' and user_id is not null";
    wait::until_equal(1, async || number(&app, user).await).await;
    app.clock.advance(TimeDelta::seconds(61));
    let anonymous =
        "select coalesce(sum(coalesce(amount, 1)), 0)::bigint from security_events where kind = 'authn_token_invalid'";
    wait::until_equal(100, async || number(&app, anonymous).await).await;
    assert_eq!(app.services().recorder.lost(), 0);
    alice.customer().await;
    assert_eq!(status(&app).await, json!({"status": "ok", "reasons": []}));
    assert_eq!(app.metrics().await.value(EXHAUSTED), 0.0);
}

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.all_rows).await.unwrap()
}
