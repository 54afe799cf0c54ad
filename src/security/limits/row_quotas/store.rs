//! SQL that counts the rows of an owner. Each counted table needs an index that begins with `owner_id`.

/// Implements [`Counted`](super::Counted) with a query that counts the rows of the table.
macro_rules! count_rows {
    ($counted:ty, $table:literal) => {
        impl $crate::security::limits::row_quotas::Counted for $counted {
            const TABLE: &'static str = $table;

            async fn count(connection: &mut sqlx::PgConnection, owner: UserId, max: i64) -> Result<i64, sqlx::Error> {
                sqlx::query_scalar!(
                    r#"select count(*) as "count!" from (select 1 from "#
                        + $table
                        + " where owner_id = $1 limit $2) counted",
                    owner.uuid(),
                    max
                )
                .fetch_one(connection)
                .await
            }
        }
    };
}

pub(crate) use count_rows;
