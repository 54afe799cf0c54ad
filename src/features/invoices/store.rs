//! The statements on invoices and their lines. Each takes the caller and carries his id for each table in it; there is no
//! unscoped twin. An invoice is read with its lines in one statement, so that the two are of one moment.

use chrono::NaiveDate;
use sqlx::{PgConnection, PgPool};

use super::model::{Invoice, TransitionError};
use super::rows::{LineColumns, Row, discount_columns};
use crate::base::id::{CustomerId, InvoiceId};
use crate::db::{OwnerTx, exactly_one, violates};
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::context;
use crate::security::audit::event::{Object, ObjectKind};
use crate::security::sessions::caller::Caller;

/// Where invoices are kept.
#[derive(Clone)]
pub struct InvoiceStore {
    pool: PgPool,
}

impl InvoiceStore {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Begins a change for this caller.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn begin<'a>(&self, caller: &'a Caller) -> ApiResult<InvoiceTx<'a>> {
        Ok(InvoiceTx { transaction: OwnerTx::begin(&self.pool, caller.user()).await?, caller })
    }

    /// Begins a look for this caller.
    pub(super) async fn begin_read(&self, caller: &Caller) -> ApiResult<OwnerTx> {
        Ok(OwnerTx::begin(&self.pool, caller.user()).await?)
    }

    /// One invoice with its lines.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] for one that is not there or not the caller's.
    pub async fn read(&self, caller: &Caller, id: InvoiceId) -> ApiResult<Invoice> {
        let mut reading = self.begin_read(caller).await?;
        self.read_within(&mut reading, caller, id).await
    }

    /// The same, where more is read of the same moment.
    pub(super) async fn read_within(
        &self,
        reading: &mut OwnerTx,
        caller: &Caller,
        id: InvoiceId,
    ) -> ApiResult<Invoice> {
        sqlx::query_as!(
            Row,
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
               from invoices i where i.owner_id = $1 and i.id = $2"#,
            caller.user().uuid(),
            id.uuid()
        )
        .fetch_optional(reading.connection())
        .await?
        .ok_or(ApiError::NotFound)?
        .try_into()
    }
}

/// A change in progress. Dropped without [`commit`](Self::commit), it keeps nothing.
pub struct InvoiceTx<'a> {
    transaction: OwnerTx,
    caller: &'a Caller,
}

impl InvoiceTx<'_> {
    pub(super) fn caller(&self) -> &Caller {
        self.caller
    }

    /// Where what belongs to the change is kept.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.transaction.connection()
    }

    /// Adds a draft with its lines.
    ///
    /// # Errors
    /// A fault of the field `customer_id`, the same for a customer who is not there and for one of somebody else.
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
        .map_err(|error| map_customer_error(error, content.customer))?;
        Ok(())
    }

    /// One invoice with its lines, and nobody else changes it until the end.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] for one that is not there or not the caller's.
    pub async fn lock(&mut self, id: InvoiceId) -> ApiResult<Invoice> {
        sqlx::query_as!(
            Row,
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
               from invoices i where i.owner_id = $1 and i.id = $2 for update of i"#,
            self.caller.user().uuid(),
            id.uuid()
        )
        .fetch_optional(self.transaction.connection())
        .await?
        .ok_or(ApiError::NotFound)?
        .try_into()
    }

    /// Keeps the other content of a locked draft.
    ///
    /// # Errors
    /// As [`Self::insert`].
    pub async fn replace(&mut self, draft: &Invoice) -> ApiResult<()> {
        let (content, totals, state) = (draft.content(), draft.totals(), draft.state());
        let (owner, id) = (self.caller.user().uuid(), draft.id().uuid());
        let (discount_rate, discount_amount) = discount_columns(content.discount);
        let replaced = sqlx::query!(
            "with gone as (delete from invoice_lines where owner_id = $1 and invoice_id = $2)
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
        .map_err(|error| map_customer_error(error, content.customer))?;
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

    /// The number of a locked draft that is being issued: the next of its owner in that year. It is given back when the change
    /// is not kept, so that there are no gaps. With it the database keeps whom the invoice is by and to (`invoice_parties`).
    ///
    /// # Errors
    /// A conflict if the owner's last invoice was issued on a later day.
    pub async fn assign_number(&mut self, draft: &Invoice, day: NaiveDate) -> ApiResult<String> {
        sqlx::query_scalar!("select assign_invoice_number($1, $2)", draft.id().uuid(), day)
            .fetch_one(self.transaction.connection())
            .await
            .map_err(|error| match violates(&error, "invoices_in_date_order") {
                true => TransitionError::IssuedBeforeLast.into(),
                false => ApiError::from(error),
            })?
            .ok_or_else(|| ApiError::internal("a number for what is no draft"))
    }

    /// Keeps the next step of a locked invoice's life, and the due date that it got when it was issued. Its content stands.
    ///
    /// # Errors
    /// The database cannot be asked.
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

    /// Deletes a locked draft with its lines.
    ///
    /// # Errors
    /// The database cannot be asked.
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

    /// Keeps the change.
    ///
    /// # Errors
    /// The database is gone.
    pub async fn commit(self) -> ApiResult<()> {
        Ok(self.transaction.commit().await?)
    }
}

/// The composite key says that there is no such customer *of this owner*: for a missing and for a stranger's one in the same
/// words, since it cannot tell them apart (wall 4).
fn map_customer_error(error: sqlx::Error, customer: CustomerId) -> ApiError {
    if violates(&error, "invoices_customer") {
        context::denies(Object { kind: ObjectKind::Customer, id: customer.uuid() });
        return ApiError::invalid("/customer_id", "is not a customer of yours");
    }
    error.into()
}
