//! The statements that list invoices: one text for every order, each served by an index that begins with the owner, so that a
//! page costs the same however deep it is and however many invoices others have (`tests/api/contract/million_rows.rs`).

use chrono::NaiveDate;

use super::rows::{ExportRow, SummaryRow};
use super::store::InvoiceStore;
use super::summary::{Filter, ListPosition, Sort, Summary};
use crate::base::page::{Limit, Position};
use crate::http::error::ApiResult;
use crate::security::sessions::caller::Caller;

/// The page after a place. The orders differ in one condition and in `order by`, which no parameter can carry. An invoice
/// without a date sorts as if it were last of all days. Text that is searched for is compared by `strpos`, which has no wildcards;
/// the subselect computes its key once, not once a row.
macro_rules! page {
    ($condition:tt, $order:tt, $store:expr, $caller:expr, $filter:expr, $today:expr, $limit:expr, $place:expr $(, $key:expr)?) => {
        sqlx::query_as!(
            SummaryRow,
            "select id, customer_id, status, number, currency, issue_date, due_date, total, paid, credited,
                 created_at, updated_at
             from invoices
             where owner_id = $1
               and ($5::text is null or status = $5)
               and ($6::uuid is null or customer_id = $6)
               and ($7::date is null or issue_date >= $7) and ($8::date is null or issue_date <= $8)
               and ($9::date is null or due_date >= $9) and ($10::date is null or due_date <= $10)
               and ($11::boolean is null or $11 = (
                   status in ('issued', 'partially_paid') and paid + credited < total and coalesce(due_date < $12, false)))
               and ($13::text is null or strpos(number, (select search_key($13))) > 0
                    or customer_id in (select id from customers
                                       where owner_id = $1 and strpos(name_key, (select search_key($13))) > 0))
               and " + $condition + " order by " + $order + " limit $4",
            $caller.user().uuid(),
            $place.created_at,
            $place.id,
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
        .fetch_all($store.begin_read($caller).await?.connection())
        .await?
    };
}

/// What an export is cut into: memory for so many rows, and no more.
const BATCH: i64 = 1000;

impl InvoiceStore {
    /// Those after `place` that the filter lets through, in the order of `sort`: one more than the page holds, if there are so
    /// many. `today` decides what is overdue.
    ///
    /// # Errors
    /// The database cannot be asked.
    #[rustfmt::skip]
    pub async fn list(
        &self,
        caller: &Caller,
        filter: &Filter,
        sort: Sort,
        today: NaiveDate,
        place: &ListPosition,
        limit: Limit,
    ) -> ApiResult<Vec<Summary>> {
        let key = &place.key;
        let rows = match sort {
            Sort::Newest => page!("(created_at, id) < ($2, $3)", "created_at desc, id desc",
                self, caller, filter, today, limit, place),
            Sort::Oldest => page!("(created_at, id) > ($2, $3)", "created_at, id",
                self, caller, filter, today, limit, place),
            Sort::IssuedLast => page!("(issue_order, created_at, id) < ($14::text::date, $2, $3)",
                "issue_order desc, created_at desc, id desc",
                self, caller, filter, today, limit, place, key),
            Sort::IssuedFirst => page!("(issue_order, created_at, id) > ($14::text::date, $2, $3)",
                "issue_order, created_at, id",
                self, caller, filter, today, limit, place, key),
            Sort::DueLast => page!("(due_order, created_at, id) < ($14::text::date, $2, $3)",
                "due_order desc, created_at desc, id desc",
                self, caller, filter, today, limit, place, key),
            Sort::DueFirst => page!("(due_order, created_at, id) > ($14::text::date, $2, $3)",
                "due_order, created_at, id",
                self, caller, filter, today, limit, place, key),
            Sort::Largest => page!("(total, created_at, id) < ($14::text::bigint, $2, $3)",
                "total desc, created_at desc, id desc",
                self, caller, filter, today, limit, place, key),
            Sort::Smallest => page!("(total, created_at, id) > ($14::text::bigint, $2, $3)",
                "total, created_at, id",
                self, caller, filter, today, limit, place, key),
        };
        rows.into_iter().map(Summary::try_from).collect()
    }

    /// The next batch of an export: oldest first, with the customers' names, of what was issued those of that day. Fewer than a
    /// whole batch is the last one.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub(super) async fn export(&self, caller: &Caller, filter: &Filter, after: Position) -> ApiResult<Vec<ExportRow>> {
        let mut reading = self.begin_read(caller).await?;
        let rows = sqlx::query_as!(
            ExportRow,
            r#"select i.id, i.number, i.status, i.issue_date, i.due_date, i.customer_id,
                   coalesce(
                       (select p.customer_name from invoice_parties p where p.owner_id = $1 and p.invoice_id = i.id), c.name
                   ) as "customer_name!",
                   i.currency, i.subtotal, i.discount_total, i.tax_total, i.total, i.paid, i.credited, i.created_at
               from invoices i join customers c on c.owner_id = $1 and c.id = i.customer_id
               where i.owner_id = $1 and (i.created_at, i.id) > ($2, $3)
                 and ($5::text is null or i.status = $5)
                 and ($6::uuid is null or i.customer_id = $6)
                 and ($7::date is null or i.issue_date >= $7) and ($8::date is null or i.issue_date <= $8)
               order by i.created_at, i.id limit $4"#,
            caller.user().uuid(),
            after.created_at,
            after.id,
            BATCH,
            filter.status.map(|status| status.as_str()),
            filter.customer.map(|customer| customer.uuid()),
            filter.issued_from,
            filter.issued_to
        )
        .fetch_all(reading.connection())
        .await?;
        Ok(rows)
    }
}
