//! SQL of invoices and their lines. Every statement filters each table by the caller's id.
//! A single statement reads an invoice with its lines, so that both are consistent.

use chrono::NaiveDate;
use sqlx::{PgConnection, PgPool};

use super::model::Invoice;
use super::rows::{LineColumns, Row, discount_columns};
use super::transition_error::TransitionError;
use crate::base::id::UserId;
use crate::db::{OwnerTx, exactly_one, owner_query, owner_query_as, violates};
use crate::features::customers::id::CustomerId;
use crate::features::invoices::id::InvoiceId;
use crate::features::resources::{map_reference_error, reference_error};
use crate::http::error::{ApiError, ApiResult};
use crate::security::limits::row_quotas::count_rows;
use crate::security::sessions::caller::Caller;

count_rows!(Invoice, "invoices");

/// `$lock` is either empty, or the clause that locks the invoice's row.
macro_rules! select_invoice {
    ($lock:tt, $caller:expr, $id:expr, $connection:expr) => {
        owner_query_as!(
            Row,
            $caller.user(),
            r#"select i.id, i.customer_id, i.status, i.number, i.currency, i.notes, i.issue_date, i.due_date,
                   i.discount_rate_millipercent, i.discount_amount, i.subtotal, i.discount_total, i.tax_total, i.total, i.paid, i.credited, i.version,
                   i.created_at, i.updated_at,
                   (select coalesce(json_agg(json_build_object(
                            'description', l.description, 'quantity_thousandths', l.quantity_thousandths,
                            'unit_price_ten_thousandths', l.unit_price_ten_thousandths,
                            'discount_rate_millipercent', l.discount_rate_millipercent,
                            'discount_amount', l.discount_amount,
                            'tax_rate_millipercent', l.tax_rate_millipercent) order by l.position), '[]')
                    from invoice_lines l where l.owner_id = $1 and l.invoice_id = i.id) as "lines!: _"
               from invoices i where i.owner_id = $1 and i.id = $2"# + $lock,
            $id.uuid()
        )
        .fetch_optional($connection)
        .await?
        .ok_or(ApiError::NotFound)?
        .try_into()
    };
}

#[derive(Clone)]
pub struct InvoiceStore {
    pub(super) pool: PgPool,
}

impl InvoiceStore {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub async fn begin<'a>(&self, caller: &'a Caller) -> ApiResult<InvoiceTx<'a>> {
        Ok(InvoiceTx { transaction: OwnerTx::begin(&self.pool, caller.user()).await?, caller })
    }

    pub async fn read(&self, caller: &Caller, id: InvoiceId) -> ApiResult<Invoice> {
        select_invoice!("", caller, id, &self.pool)
    }

    /// # Errors
    /// Returns a field error of `customer_id` if the customer does not exist or belongs to another user.
    pub(super) async fn check_customer(&self, caller: &Caller, id: CustomerId) -> ApiResult<()> {
        owner_query!(caller.user(), "select id from customers where owner_id = $1 and id = $2", id.uuid())
            .fetch_optional(&self.pool)
            .await?
            .map(drop)
            .ok_or_else(|| reference_error("/customer_id", Some(id)))
    }
}

/// An open transaction on the caller's invoices. Dropping it without [`commit`](Self::commit) rolls it back.
pub struct InvoiceTx<'a> {
    transaction: OwnerTx,
    caller: &'a Caller,
}

impl AsMut<PgConnection> for InvoiceTx<'_> {
    fn as_mut(&mut self) -> &mut PgConnection {
        self.transaction.connection()
    }
}

impl InvoiceTx<'_> {
    pub(super) fn caller(&self) -> &Caller {
        self.caller
    }

    pub fn connection(&mut self) -> &mut PgConnection {
        self.transaction.connection()
    }

    /// # Errors
    /// Returns a field error of `customer_id` if the customer does not exist or belongs to another user.
    pub async fn insert(&mut self, draft: &Invoice) -> ApiResult<()> {
        let (content, totals, state) = (draft.content(), draft.totals(), draft.state());
        let (discount_rate, discount_amount) = discount_columns(content.discount);
        let lines = LineColumns::of(&content.lines);
        sqlx::query!(
            "with draft as (
                 insert into invoices (id, owner_id, customer_id, status, currency, notes, due_date,
                     subtotal, discount_total, tax_total, total, created_at, updated_at,
                     discount_rate_millipercent, discount_amount)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                 returning id
             )
             insert into invoice_lines (owner_id, invoice_id, position, description, quantity_thousandths,
                 unit_price_ten_thousandths, discount_rate_millipercent, discount_amount, tax_rate_millipercent)
             select $2, draft.id, line.*
             from draft, unnest($16::integer[], $17::text[], $18::bigint[], $19::bigint[], $20::integer[], $21::bigint[],
                 $22::integer[]) as line (position, description, quantity, price, discount_rate, discount_amount, tax_rate)",
            draft.id().uuid(),
            self.caller.user().uuid(),
            content.customer.uuid(),
            state.status.as_str(),
            content.currency.code(),
            content.notes,
            content.due_date,
            totals.subtotal,
            totals.discount,
            totals.tax,
            totals.total,
            state.created_at,
            state.updated_at,
            discount_rate,
            discount_amount,
            &lines.positions,
            &lines.descriptions,
            &lines.quantities,
            &lines.prices,
            &lines.discount_rates as &[Option<i32>],
            &lines.discount_amounts as &[Option<i64>],
            &lines.tax_rates
        )
        .execute(self.transaction.connection())
        .await
        .map_err(|error| map_reference_error(error, "invoices_customer", "/customer_id", Some(content.customer)))?;
        Ok(())
    }

    /// Reads an invoice, and locks its row until the end of the transaction.
    pub async fn lock(&mut self, id: InvoiceId) -> ApiResult<Invoice> {
        select_invoice!(" for update of i", self.caller, id, self.transaction.connection())
    }

    /// # Errors
    /// Returns a field error of `customer_id` if the customer does not exist or belongs to another user.
    pub async fn replace(&mut self, draft: &Invoice) -> ApiResult<()> {
        let (content, totals, state) = (draft.content(), draft.totals(), draft.state());
        let (owner, id) = (self.caller.user().uuid(), draft.id().uuid());
        let (discount_rate, discount_amount) = discount_columns(content.discount);
        let replaced = sqlx::query!(
            "with old_lines as (delete from invoice_lines where owner_id = $1 and invoice_id = $2)
             update invoices
             set customer_id = $3, currency = $4, notes = $5, due_date = $6, subtotal = $7, discount_total = $8,
                 tax_total = $9, total = $10, version = $11, updated_at = $12, discount_rate_millipercent = $13,
                 discount_amount = $14
             where owner_id = $1 and id = $2 and version = $11::bigint - 1 and status = 'draft'",
            owner,
            id,
            content.customer.uuid(),
            content.currency.code(),
            content.notes,
            content.due_date,
            totals.subtotal,
            totals.discount,
            totals.tax,
            totals.total,
            state.version,
            state.updated_at,
            discount_rate,
            discount_amount
        )
        .execute(self.transaction.connection())
        .await
        .map_err(|error| map_reference_error(error, "invoices_customer", "/customer_id", Some(content.customer)))?;
        exactly_one(&replaced)?;
        let lines = LineColumns::of(&content.lines);
        sqlx::query!(
            "insert into invoice_lines (owner_id, invoice_id, position, description, quantity_thousandths,
                 unit_price_ten_thousandths, discount_rate_millipercent, discount_amount, tax_rate_millipercent)
             select $1, $2, line.*
             from unnest($3::integer[], $4::text[], $5::bigint[], $6::bigint[], $7::integer[], $8::bigint[], $9::integer[])
                 as line (position, description, quantity, price, discount_rate, discount_amount, tax_rate)",
            owner,
            id,
            &lines.positions,
            &lines.descriptions,
            &lines.quantities,
            &lines.prices,
            &lines.discount_rates as &[Option<i32>],
            &lines.discount_amounts as &[Option<i64>],
            &lines.tax_rates
        )
        .execute(self.transaction.connection())
        .await?;
        Ok(())
    }

    /// Assigns the next number of the year. After a rollback, the number is available again, so there are no gaps.
    /// A trigger copies seller and customer to `invoice_parties`, so that later changes do not affect the invoice.
    ///
    /// # Errors
    /// [`TransitionError::IssuedBeforeLast`] if the owner's last invoice has a later issue date.
    pub async fn assign_number(&mut self, draft: &Invoice, day: NaiveDate) -> ApiResult<String> {
        sqlx::query_scalar!("select assign_invoice_number($1, $2)", draft.id().uuid(), day)
            .fetch_one(self.transaction.connection())
            .await
            .map_err(|error| match violates(&error, "invoices_in_date_order") {
                true => TransitionError::IssuedBeforeLast.into(),
                false => ApiError::from(error),
            })?
            .ok_or_else(|| ApiError::internal("assign_invoice_number returned no number"))
    }

    /// Saves the new state of a locked invoice. Also saves the due date, because issuing the invoice can set it.
    pub async fn save_state(&mut self, invoice: &Invoice) -> ApiResult<()> {
        let state = invoice.state();
        let saved = sqlx::query!(
            "update invoices set status = $3, paid = $4, version = $5, updated_at = $6, due_date = $7, credited = $8
             where owner_id = $1 and id = $2 and version = $5::bigint - 1",
            self.caller.user().uuid(),
            invoice.id().uuid(),
            state.status.as_str(),
            state.paid,
            state.version,
            state.updated_at,
            invoice.content().due_date,
            state.credited
        )
        .execute(self.transaction.connection())
        .await?;
        Ok(exactly_one(&saved)?)
    }

    pub async fn delete(&mut self, draft: &Invoice) -> ApiResult<()> {
        let deleted = sqlx::query!(
            "delete from invoices where owner_id = $1 and id = $2 and version = $3 and status = 'draft'",
            self.caller.user().uuid(),
            draft.id().uuid(),
            draft.state().version
        )
        .execute(self.transaction.connection())
        .await?;
        Ok(exactly_one(&deleted)?)
    }

    pub async fn commit(self) -> ApiResult<()> {
        Ok(self.transaction.commit().await?)
    }
}
