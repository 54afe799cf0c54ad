//! SQL of payments. Every statement filters by the caller's id.

use super::model::Invoice;
use super::payments::Payment;
use super::store::{InvoiceStore, InvoiceTx};
use crate::base::id::UserId;
use crate::base::page::{Limit, Position};
use crate::db::owner_query;
use crate::features::invoices::id::InvoiceId;
use crate::http::error::{ApiError, ApiResult};
use crate::security::limits::row_quotas::count_rows;
use crate::security::sessions::caller::Caller;

count_rows!(Payment, "payments");

impl InvoiceTx<'_> {
    /// Inserts a payment on a locked invoice.
    /// The same transaction must also save the invoice's new state ([`Self::save_state`]).
    pub async fn insert_payment(&mut self, invoice: &Invoice, payment: &Payment) -> ApiResult<()> {
        let owner = self.caller().user().uuid();
        sqlx::query!(
            "insert into payments (id, owner_id, invoice_id, amount, paid_on, method, reference, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            payment.id.uuid(),
            owner,
            invoice.id().uuid(),
            payment.amount,
            payment.paid_on,
            payment.method.as_str(),
            payment.reference,
            payment.created_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

impl InvoiceStore {
    /// If there is a next page, the result has one row more than a page.
    pub async fn payments(
        &self,
        caller: &Caller,
        invoice: InvoiceId,
        after: Position,
        limit: Limit,
    ) -> ApiResult<Vec<Payment>> {
        let rows = owner_query!(
            caller.user(),
            r#"select p.id as "id?", p.amount as "amount?", p.paid_on as "paid_on?", p.method as "method?", p.reference,
                   p.created_at as "created_at?"
               from invoices i
               left join payments p on p.owner_id = $1 and p.invoice_id = i.id and (p.created_at, p.id) < ($3, $4)
               where i.owner_id = $1 and i.id = $2
               order by p.created_at desc, p.id desc limit $5"#,
            invoice.uuid(),
            after.created_at,
            after.id,
            limit.rows()
        )
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() {
            return Err(ApiError::NotFound);
        }
        // For an invoice without payments, the left join returns one row of nulls. Skip this row.
        rows.into_iter()
            .filter_map(|row| {
                let (id, amount, paid_on) = (row.id?.into(), row.amount?, row.paid_on?);
                let (method, reference, created_at) = (row.method?.parse(), row.reference, row.created_at?);
                let payment = |method| Payment { id, amount, paid_on, method, reference, created_at };
                Some(method.map(payment).map_err(|_| ApiError::internal("stored payment is invalid")))
            })
            .collect()
    }
}
