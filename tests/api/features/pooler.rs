//! A connection pooler between the service and PostgreSQL, such as PgBouncer in transaction mode (docs/scaling.md).

use std::time::Duration;

use sqlx::{ConnectOptions, Executor};
use strongroom::db::pool::{has_timeouts, with_timeouts};
use strongroom::security::sessions::revocations::CHANNEL;

use crate::support::TestApp;
use crate::support::database::{Role, TestDatabase};
use crate::support::relay::Relay;

/// PgBouncer drops the startup parameter `options`, and with it the service's timeouts. The service must detect this.
#[actix_web::test]
async fn session_without_timeouts_is_detected() {
    let database = TestDatabase::create().await;
    let options = database.options(Role::App);
    let with = with_timeouts(options.clone(), Duration::from_secs(5));
    assert!(has_timeouts(&mut with.connect().await.unwrap()).await.unwrap());
    let mut bare = options.connect().await.unwrap();
    assert!(!has_timeouts(&mut bare).await.unwrap());
    bare.execute("set statement_timeout = '5s'; set lock_timeout = '2s'").await.unwrap();
    assert!(!has_timeouts(&mut bare).await.unwrap(), "one of the three timeouts is missing");
}

#[actix_web::test]
async fn notifications_arrive_over_the_listen_url_and_not_through_the_pooler() {
    let database = TestDatabase::create().await;
    let direct = database.options(Role::App).to_url_lossy().to_string();
    let pooler = Relay::to(database.options(Role::App));
    let app = TestApp::on(database.behind(pooler.clone()), &[("STRONGROOM_DATABASE_LISTEN_URL", &direct)]).await;
    app.wait_until_listening().await;
    let mut received = app.services().announcements.subscribe();
    pooler.withhold(true);
    let notify = "select pg_notify($1, 'from the test')";
    sqlx::query(notify).bind(CHANNEL).execute(&app.all_rows).await.unwrap();
    let payload = tokio::time::timeout(Duration::from_secs(5), received.recv()).await;
    pooler.withhold(false);
    assert_eq!(&*payload.expect("a notification").unwrap(), "from the test");
}
