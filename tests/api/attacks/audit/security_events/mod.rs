//! ASVS 16.3, 16.4.2: a flood takes few rows ([`floods`]). An event lasts ([`lasting`]) and says whose the denied object is
//! ([`objects`]). Only the recorder adds events ([`rights`]). That each event of the log has its row is asked at the end of every test (`support::events`).

mod floods;
mod lasting;
mod objects;
mod rights;

use sqlx::PgPool;

use crate::support::wait;

/// The row with this kind, once it is there: reason and amount.
async fn row(pool: &PgPool, kind: &str) -> (String, Option<i64>) {
    let sql = "select reason, amount from security_events where kind = $1 limit 1";
    wait::found(kind, async || sqlx::query_as(sql).bind(kind).fetch_optional(pool).await.ok().flatten()).await
}
