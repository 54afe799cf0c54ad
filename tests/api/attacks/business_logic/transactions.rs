//! A client disconnects during the BEGIN of its request. If the database connection returned to the pool with the open
//! transaction, the writes of the next request would be lost.

use std::time::Duration;

use sqlx::Executor;
use strongroom::base::id::UserId;
use strongroom::db::OwnerTx;
use strongroom::db::pool::{PoolLimits, connect_lazily};

use crate::support::TestApp;
use crate::support::database::Role;

#[actix_web::test]
async fn cancelled_begin_does_not_discard_writes_of_later_requests() {
    let app = TestApp::start().await;
    let (acquire_timeout, statement_timeout) = (Duration::from_secs(60), Duration::from_secs(60));
    let limits = PoolLimits { max_connections: 1, acquire_timeout, statement_timeout };
    let pool = connect_lazily(app.database.options(Role::Superuser), limits);
    pool.execute("create table written (number int)").await.unwrap();
    for number in 1..=50 {
        let mut begin = Box::pin(OwnerTx::begin(&pool, UserId::new()));
        // Each round disconnects at a different moment, sometimes during BEGIN.
        for _ in 0..number % 10 + 1 {
            if futures_util::poll!(&mut begin).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(begin);
        pool.execute("insert into written values (1)").await.unwrap();
        let seen: i64 = sqlx::query_scalar("select count(*) from written").fetch_one(&app.all_rows).await.unwrap();
        assert_eq!(seen, number, "every write with a 2xx response must be committed");
    }
    pool.close().await;
}
