//! S67, S71, ASVS 16.3, 16.4.2: an event lasts ([`lasting`]), says whose the denied object is ([`objects`]), and nobody but the
//! recorder adds one ([`rights`]). That each event of the log has its row is asked at the end of every test (`support::events`).

mod lasting;
mod objects;
mod rights;

use std::time::Duration;

use sqlx::PgPool;

/// The row with this kind, once it is there: reason and amount.
async fn row(pool: &PgPool, kind: &str) -> (String, Option<i64>) {
    for _ in 0..1_000 {
        let found = sqlx::query_as("select reason, amount from security_events where kind = $1 limit 1")
            .bind(kind)
            .fetch_optional(pool)
            .await;
        if let Ok(Some(found)) = found {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no {kind}");
}
