//! The counts, each by an index that begins with the owner.

use sqlx::PgConnection;

use super::Rows;
use crate::base::id::UserId;

/// How many rows of this kind the owner has, counted up to `max`.
pub(super) async fn count(
    connection: &mut PgConnection,
    owner: UserId,
    rows: Rows,
    max: i64,
) -> Result<i64, sqlx::Error> {
    let owner = owner.uuid();
    match rows {
        Rows::Customers => {
            sqlx::query_scalar!(
                r#"select count(*) as "count!" from (select 1 from customers where owner_id = $1 limit $2) counted"#,
                owner,
                max
            )
            .fetch_one(connection)
            .await
        }
        Rows::Invoices => {
            sqlx::query_scalar!(
                r#"select count(*) as "count!" from (select 1 from invoices where owner_id = $1 limit $2) counted"#,
                owner,
                max
            )
            .fetch_one(connection)
            .await
        }
        Rows::Payments => {
            sqlx::query_scalar!(
                r#"select count(*) as "count!" from (select 1 from payments where owner_id = $1 limit $2) counted"#,
                owner,
                max
            )
            .fetch_one(connection)
            .await
        }
        Rows::CreditNotes => {
            sqlx::query_scalar!(
                r#"select count(*) as "count!" from (select 1 from credit_notes where owner_id = $1 limit $2) counted"#,
                owner,
                max
            )
            .fetch_one(connection)
            .await
        }
    }
}
