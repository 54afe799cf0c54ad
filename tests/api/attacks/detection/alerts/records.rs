//! Stored alerts: only administrators may read them, the service's role cannot rewrite them, and old alerts are
//! deleted.

use chrono::TimeDelta;
use strongroom::base::id::UserId;
use strongroom::base::page::{Limit, Position};
use strongroom::db::outbox;
use strongroom::security::detection::alerts::State;

use super::{denials, raise, wait_for_counts};
use crate::support::TestApp;

#[actix_web::test]
async fn alert_list_requires_a_current_administrator() {
    let app = TestApp::start().await;
    let (admin, mallory) = (app.admin("admin").await, app.user("mallory").await);
    for _ in 0..3 {
        raise(&app, &denials(UserId::new(), 20)).await;
    }
    let services = app.replica();
    let prove = async |token: &str| {
        let caller = services.authenticator.verify(token).await.unwrap();
        services.administrators.authorize(caller).await
    };
    assert!(prove(&mallory.token).await.is_err());
    let proved = prove(&admin.token).await.unwrap();
    let list = async |state, position, limit: u32| {
        services.alerts.list(&proved, state, position, Limit::try_from(limit).unwrap()).await.unwrap()
    };
    let start = Position::start;
    let all = list(None, start(), 20).await;
    assert_eq!(all.len(), 3);
    assert!(all.windows(2).all(|two| two[0].opened_at >= two[1].opened_at), "newest first");
    assert_eq!(list(Some(State::Open), start(), 20).await.len(), 3);
    assert_eq!(list(Some(State::Cleared), start(), 20).await.len(), 0);
    assert_eq!(list(None, start(), 1).await.len(), 2, "one extra row shows that there is a next page");
    let position = Position { created_at: all[0].opened_at, id: all[0].id };
    let next = list(None, position, 20).await;
    assert_eq!(next.iter().map(|alert| alert.id).collect::<Vec<_>>(), [all[1].id, all[2].id]);
    // The role may change during the request, so the database function checks it again.
    for (role, status) in [("user", "active"), ("admin", "disabled")] {
        let sql = "update users set role = $1, status = $2 where email = 'admin@example.com'";
        sqlx::query(sql).bind(role).bind(status).execute(&app.all_rows).await.unwrap();
        assert_eq!(list(None, start(), 20).await.len(), 0);
    }
}

#[actix_web::test]
async fn service_role_cannot_rewrite_alerts() {
    let app = TestApp::start().await;
    raise(&app, &denials(UserId::new(), 20)).await;
    let before = app.digest(&["alerts"]).await;
    for forbidden in [
        "update alerts set rule = 'nothing'",
        "update alerts set subject = ''",
        "update alerts set severity = 'info'",
        "update alerts set opened_at = now()",
        "update outbox set kind = 'cleared'",
        "update outbox set count = 0",
        "truncate alerts cascade",
    ] {
        let error = sqlx::query(forbidden).execute(&app.replica().pool).await.expect_err(forbidden);
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{forbidden}");
    }
    assert_eq!(app.digest(&["alerts"]).await, before);
}

#[actix_web::test]
async fn old_cleared_alerts_are_deleted() {
    let app = TestApp::start().await;
    raise(&app, &denials(UserId::new(), 20)).await;
    let sweep = async |later: TimeDelta| {
        let (services, then) = (app.replica(), app.clock.now() + later);
        services.alerts.sweep(then).await.unwrap();
        outbox::sweep(&services.pool, then).await.unwrap();
    };
    let counted = async || -> (i64, i64) {
        let sql = "select (select count(*) from alerts), (select count(*) from outbox where alert_id is not null)";
        sqlx::query_as(sql).fetch_one(&app.all_rows).await.unwrap()
    };
    wait_for_counts(&app, 1, 0, 0).await;
    sweep(TimeDelta::days(100)).await;
    assert_eq!(counted().await, (1, 0), "open alerts are kept");
    app.clock.advance(TimeDelta::minutes(6));
    wait_for_counts(&app, 0, 0, 0).await;
    sweep(TimeDelta::days(6)).await;
    assert_eq!(counted().await, (1, 1));
    sweep(TimeDelta::days(91)).await;
    assert_eq!(counted().await, (0, 0));
}
