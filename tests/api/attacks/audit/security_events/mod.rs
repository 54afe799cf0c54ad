//! ASVS 16.3, 16.4.2: how the service stores security events ([`floods`], [`durability`]) and classifies denied objects
//! ([`objects`]), and which roles may read and write events ([`privileges`]). At the end of every test,
//! `support::events` checks that each logged event has its row.

mod durability;
mod floods;
mod objects;
mod privileges;

use sqlx::PgPool;

use crate::support::wait;

/// Waits for a row of this kind, and returns its `reason` and `amount`.
async fn row(pool: &PgPool, kind: &str) -> (String, Option<i64>) {
    let sql = "select reason, amount from security_events where kind = $1 limit 1";
    wait::until_some(kind, async || sqlx::query_as(sql).bind(kind).fetch_optional(pool).await.ok().flatten()).await
}
