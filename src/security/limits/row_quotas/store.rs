//! SQL that counts the rows of an owner. It uses an index that begins with the owner.

use sqlx::PgConnection;

use crate::base::id::UserId;

/// The kinds of rows that have a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    Customers,
    Invoices,
    Payments,
    CreditNotes,
}

/// Returns how many rows of this kind the owner has. Stops counting at `max`.
pub(super) async fn count(
    connection: &mut PgConnection,
    owner: UserId,
    rows: Rows,
    max: i64,
) -> Result<i64, sqlx::Error> {
    macro_rules! count_in {
        ($table:literal) => {
            sqlx::query_scalar!(
                r#"select count(*) as "count!" from (select 1 from "#
                    + $table
                    + " where owner_id = $1 limit $2) counted",
                owner.uuid(),
                max
            )
            .fetch_one(connection)
            .await
        };
    }
    match rows {
        Rows::Customers => count_in!("customers"),
        Rows::Invoices => count_in!("invoices"),
        Rows::Payments => count_in!("payments"),
        Rows::CreditNotes => count_in!("credit_notes"),
    }
}
