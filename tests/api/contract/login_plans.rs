//! The cost of a login must not grow with the number of users, sessions and counters.
//! PostgreSQL must not plan the statements of a login again each time.

use actix_web::http::header::HeaderMap;
use strongroom::http::client_ip::{ClientAddr, TrustedProxies};

use super::list_plans::{indexed_connection, plan, plan_counts, steps};
use super::sql_scope;
use crate::support::TestApp;
use crate::support::actor::try_sign_in;

#[actix_web::test]
async fn login_finds_every_row_by_an_index() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let login = try_sign_in(&app.anonymous(), &alice.email, &alice.password).await.ok(200);
    // `login.statements()` has each statement on one line, where a `--` comment would hide the rest. So use the texts
    // in `.sqlx/`.
    let on_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let executed = login.statements();
    let mut texts = sql_scope::statements();
    texts.retain(|text| executed.contains(&on_one_line(text)));
    assert_eq!(texts.len(), executed.len() - 1, "all statements except COMMIT: {executed:#?}");
    let mut connection = indexed_connection(&app.database).await;
    for text in texts {
        let mut found = Vec::new();
        steps(&plan(&mut connection, &text).await, &mut found);
        found.retain(|step| step.starts_with("Seq Scan"));
        assert!(found.is_empty(), "{found:?}: {text}");
    }
}

/// From the sixth execution on, PostgreSQL keeps a generic plan, unless custom plans seem to be cheaper.
/// A new plan for each execution costs more than the execution.
#[actix_web::test]
async fn statements_of_login_throttling_keep_their_plan() {
    let app = TestApp::start().await;
    let fill = "insert into login_failures (kind, key, failures, expires_at)
        select kind, sha256((kind || n)::bytea), 1, now() + interval '1 hour'
        from unnest(array['account', 'account_and_address', 'address', 'account_in_network', 'network']) kind,
            generate_series(1, 4000) n";
    sqlx::query(fill).execute(&app.all_rows).await.unwrap();
    sqlx::query("analyze login_failures").execute(&app.all_rows).await.unwrap();
    let credentials = &app.replica().credentials;
    let address = ClientAddr::resolve([127, 6, 1, 1].into(), &HeaderMap::new(), &TrustedProxies::default());
    // The pool has at most 16 connections, so at least one of them executes each statement more than five times.
    for _ in 0..100 {
        let admitted = credentials.throttle.admit(credentials.sign_in("alice@example.com", address)).await.unwrap();
        credentials.throttle.record_success(&admitted).await.unwrap();
    }
    let plans = plan_counts(&app.replica().pool, "%login_failures%").await;
    assert!(plans.iter().all(|(_, custom)| *custom <= 5), "{plans:?}");
}
