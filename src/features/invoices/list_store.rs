//! Keyset pagination: each sort order has an index that begins with the owner.
//! So all pages of a list cost the same, and the invoices of other users add no cost.
//! Test: `tests/api/contract/many_rows.rs`.

use chrono::NaiveDate;
use sqlx::postgres::PgTransaction;
use sqlx::{PgConnection, SqlSafeStr};

use super::rows::{ExportRow, StatusTotalRow, SummaryRow};
use super::store::InvoiceStore;
use super::summary::{Filter, ListPosition, Sort, StatusTotal, Summary};
use crate::base::money::MAX_MINOR_UNITS;
use crate::base::page::{Limit, Position};
use crate::db::{begin_with, owner_query_as};
use crate::http::error::ApiResult;
use crate::security::sessions::caller::Caller;

/// The sort orders differ in one condition and in `order by`. These parts cannot be bind parameters.
/// So the macro inserts them into the text of the statement.
///
/// Date ranges use the columns `issue_order` and `due_order`, because the indexes contain these columns.
/// For an invoice without a date, the column contains `infinity`, which is outside of every range.
/// A range of one day becomes an equality, so that PostgreSQL reads the invoices of that day in the order of the list.
///
/// `strpos` finds the search text without interpreting wildcards.
/// PostgreSQL evaluates a subselect such as `(select search_key(…))` only once, and not for each row.
macro_rules! page {
    ($condition:tt, $order:tt, $connection:expr, $caller:expr, $filter:expr, $today:expr, $limit:expr, $position:expr $(, $key:expr)?) => {
        owner_query_as!(
            SummaryRow,
            $caller.user(),
            "select id, customer_id, status, number, currency, issue_date, due_date, total, paid, credited,
                 created_at, updated_at
             from invoices
             where owner_id = $1
               and ($5::text is null or status = $5)
               and ($6::uuid is null or customer_id = $6)
               and ($7::date is null and $8::date is null
                    or $7 = $8 and issue_order = $7
                    or $7 is distinct from $8
                        and issue_order between coalesce($7, '-infinity') and coalesce($8, '9999-12-31'))
               and ($9::date is null and $10::date is null
                    or $9 = $10 and due_order = $9
                    or $9 is distinct from $10
                        and due_order between coalesce($9, '-infinity') and coalesce($10, '9999-12-31'))
               and ($11::boolean is null or $11 = (
                   status in ('issued', 'partially_paid') and paid + credited < total and coalesce(due_date < $12, false)))
               and ($13::text is null or strpos(number, (select search_key($13))) > 0
                    or customer_id in (select id from customers
                                       where owner_id = $1 and strpos(name_key, (select search_key($13))) > 0))
               and " + $condition + " order by " + $order + " limit $4",
            $position.created_at,
            $position.id,
            $limit.rows(),
            $filter.status.map(|status| status.as_str()),
            $filter.customer.map(|customer| customer.uuid()),
            $filter.issued_from,
            $filter.issued_to,
            $filter.due_from,
            $filter.due_to,
            $filter.overdue,
            $today,
            $filter.search
            $(, $key)?
        )
        .fetch_all($connection)
        .await?
    };
}

/// Limits the memory that an export needs.
const EXPORT_BATCH_ROWS: i64 = 1000;

impl InvoiceStore {
    /// An unpaid invoice is overdue if its due date is before `today`.
    /// If there is a next page, the result has one row more than a page.
    #[rustfmt::skip]
    pub async fn list(
        &self,
        caller: &Caller,
        filter: &Filter,
        sort: Sort,
        today: NaiveDate,
        position: &ListPosition,
        limit: Limit,
    ) -> ApiResult<Vec<Summary>> {
        let key = &position.key;
        let (mut pooled, mut transaction);
        let connection: &mut PgConnection = if *filter == Filter::default() {
            pooled = self.pool.acquire().await?;
            &mut pooled
        } else {
            transaction = self.begin_with_custom_plans().await?;
            &mut transaction
        };
        let rows = match sort {
            Sort::Newest => page!("(created_at, id) < ($2, $3)", "created_at desc, id desc",
                connection, caller, filter, today, limit, position),
            Sort::Oldest => page!("(created_at, id) > ($2, $3)", "created_at, id",
                connection, caller, filter, today, limit, position),
            Sort::IssuedLast => page!("(issue_order, created_at, id) < ($14::text::date, $2, $3)",
                "issue_order desc, created_at desc, id desc",
                connection, caller, filter, today, limit, position, key),
            Sort::IssuedFirst => page!("(issue_order, created_at, id) > ($14::text::date, $2, $3)",
                "issue_order, created_at, id",
                connection, caller, filter, today, limit, position, key),
            Sort::DueLast => page!("(due_order, created_at, id) < ($14::text::date, $2, $3)",
                "due_order desc, created_at desc, id desc",
                connection, caller, filter, today, limit, position, key),
            Sort::DueFirst => page!("(due_order, created_at, id) > ($14::text::date, $2, $3)",
                "due_order, created_at, id",
                connection, caller, filter, today, limit, position, key),
            Sort::Largest => page!("(total, created_at, id) < ($14::text::bigint, $2, $3)",
                "total desc, created_at desc, id desc",
                connection, caller, filter, today, limit, position, key),
            Sort::Smallest => page!("(total, created_at, id) > ($14::text::bigint, $2, $3)",
                "total, created_at, id",
                connection, caller, filter, today, limit, position, key),
        };
        rows.into_iter().map(Summary::try_from).collect()
    }

    /// A sum can exceed a bigint. So the statement computes sums as numeric and limits them to [`MAX_MINOR_UNITS`].
    pub(super) async fn totals(&self, caller: &Caller, newest: i64) -> ApiResult<Vec<StatusTotal>> {
        let rows = owner_query_as!(
            StatusTotalRow,
            caller.user(),
            r#"select status, currency, count(*) as "invoices!",
                   least(sum(total), $3::bigint)::bigint as "total!",
                   least(coalesce(sum(total - paid - credited) filter (where status in ('issued', 'partially_paid')), 0),
                       $3::bigint)::bigint as "due!"
               from (select status, currency, total, paid, credited from invoices where owner_id = $1
                     order by created_at desc, id desc limit $2) as newest
               group by status, currency"#,
            newest,
            MAX_MINOR_UNITS
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(StatusTotal::try_from).collect()
    }

    /// Begins a transaction in which PostgreSQL plans each statement for its parameters. A generic plan cannot use an
    /// index for a condition like `$6 is null or customer_id = $6`, and does not know how many invoices an owner has.
    async fn begin_with_custom_plans(&self) -> Result<PgTransaction<'static>, sqlx::Error> {
        begin_with(&self.pool, "begin; set local plan_cache_mode = force_custom_plan".into_sql_str()).await
    }

    /// Returns the next batch. An issued invoice contains the name that the customer had on the issue date.
    ///
    /// Subselects read the names. With a join, a generic plan would read and sort all invoices of the owner for each
    /// batch. Subselects are cheap with every plan.
    pub(super) async fn export(&self, caller: &Caller, filter: &Filter, after: Position) -> ApiResult<Vec<ExportRow>> {
        let mut transaction = self.begin_with_custom_plans().await?;
        Ok(owner_query_as!(
            ExportRow,
            caller.user(),
            r#"select i.id, i.number, i.status, i.issue_date, i.due_date, i.customer_id,
                   coalesce(
                       (select p.customer_name from invoice_parties p where p.owner_id = $1 and p.invoice_id = i.id),
                       (select c.name from customers c where c.owner_id = $1 and c.id = i.customer_id)
                   ) as "customer_name!",
                   i.currency, i.subtotal, i.discount_total, i.tax_total, i.total, i.paid, i.credited, i.created_at
               from invoices i
               where i.owner_id = $1 and (i.created_at, i.id) > ($2, $3)
                 and ($5::text is null or i.status = $5)
                 and ($6::uuid is null or i.customer_id = $6)
                 and ($7::date is null or i.issue_date >= $7) and ($8::date is null or i.issue_date <= $8)
               order by i.created_at, i.id limit $4"#,
            after.created_at,
            after.id,
            EXPORT_BATCH_ROWS,
            filter.status.map(|status| status.as_str()),
            filter.customer.map(|customer| customer.uuid()),
            filter.issued_from,
            filter.issued_to
        )
        .fetch_all(&mut *transaction)
        .await?)
    }
}
