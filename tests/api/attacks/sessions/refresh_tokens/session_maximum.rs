//! The maximum number of active sessions (CWE-400, CWE-613).

use chrono::TimeDelta;

use super::{assert_session_ended, login_with_refresh_cookie, read_profile};
use crate::support::actor::{PASSWORD, try_sign_in};
use crate::support::{Actor, TestApp, wait};

/// Denial of service: an attacker who knows the password logs in ten times, to end the owner's session. This session
/// survives because the owner uses it: the service ends the session whose last use is the oldest.
#[actix_web::test]
async fn eleventh_session_ends_least_recently_used_one() {
    let app = TestApp::start().await;
    let first = app.user("alice").await;
    let mut others = Vec::new();
    for _ in 0..9 {
        app.clock.advance(TimeDelta::seconds(1));
        others.push(Actor::sign_in(&app.anonymous(), &first.email, PASSWORD).await);
    }
    let last_use = async || {
        let sql = "select last_used_at from sessions order by created_at limit 1";
        let at: chrono::DateTime<chrono::Utc> = sqlx::query_scalar(sql).fetch_one(&app.all_rows).await.unwrap();
        at
    };
    let before = last_use().await;
    let used = read_profile(&first).await.ok(200);
    assert!(!used.statements().iter().any(|statement| statement.contains("sessions")), "{:?}", used.statements());
    app.clock.advance(TimeDelta::minutes(1));
    wait::until("the last use is written within a minute", async || last_use().await > before).await;

    try_sign_in(&app.anonymous(), &first.email, PASSWORD).await.ok(200);
    assert_session_ended(&read_profile(&others[0]).await);
    for still in others[1..].iter().chain([&first]) {
        read_profile(still).await.ok(200);
    }
}

/// If ended sessions counted, repeated logins on one device would log out the user's other devices.
#[actix_web::test]
async fn only_active_sessions_count_for_the_maximum() {
    let app = TestApp::start().await;
    let first = app.user("alice").await;
    let sign_in = async || {
        app.clock.advance(TimeDelta::seconds(1));
        Actor::sign_in(&app.anonymous(), &first.email, PASSWORD).await
    };
    for state in ["ended_at = now()", "expires_at = created_at"] {
        for _ in 0..5 {
            sign_in().await;
            let sql = format!(
                "update sessions set {state} where id = (select id from sessions order by created_at desc limit 1)"
            );
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&app.all_rows).await.unwrap();
        }
    }
    let mut last = String::new();
    for _ in 0..9 {
        last = sign_in().await.cookie;
    }
    let replaced = login_with_refresh_cookie(&app, &first.email, &last).await;
    replaced.assert_events(&["session_ended/replaced_by_login", "authn_login_success/", "session_created/"]);
    read_profile(&first).await.ok(200);
}
