use sqlx::PgPool;

use super::document_text::Parties;
use crate::db::owner_query_as;
use crate::features::customers::id::CustomerId;
use crate::features::invoices::credit_notes::model::CreditNote;
use crate::features::invoices::id::{CreditNoteId, InvoiceId};
use crate::features::invoices::model::Invoice;
use crate::features::invoices::store::InvoiceStore;
use crate::http::error::{ApiError, ApiResult};
use crate::security::sessions::caller::Caller;

impl InvoiceStore {
    /// For an issued invoice, seller and customer are as of the issue date. For a draft, they are current.
    pub(super) async fn invoice_with_parties(&self, caller: &Caller, id: InvoiceId) -> ApiResult<(Invoice, Parties)> {
        let invoice = self.read(caller, id).await?;
        let parties = match invoice.state().number {
            Some(_) => parties_at_issue(&self.pool, caller, id).await?,
            None => current_parties(&self.pool, caller, invoice.content().customer).await?,
        };
        Ok((invoice, parties))
    }

    pub(super) async fn credit_note_with_parties(
        &self,
        caller: &Caller,
        id: CreditNoteId,
    ) -> ApiResult<(CreditNote, Parties)> {
        let note = self.credit_note(caller, id).await?;
        let parties = parties_at_issue(&self.pool, caller, note.header.invoice).await?;
        Ok((note, parties))
    }
}

/// Returns seller and customer as they were on the issue date. They never change, so their version is 0.
async fn parties_at_issue(pool: &PgPool, caller: &Caller, invoice: InvoiceId) -> ApiResult<Parties> {
    owner_query_as!(
        Parties,
        caller.user(),
        r#"select seller_name as seller, seller_email, seller_address, seller_country, seller_vat_id,
               seller_registration, seller_iban as iban, seller_bic as bic,
               customer_name as customer, customer_email, customer_address, customer_tax_id,
               0::bigint as "seller_version!", 0::bigint as "customer_version!"
           from invoice_parties where owner_id = $1 and invoice_id = $2"#,
        invoice.uuid()
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| ApiError::internal("issued invoice has no stored parties"))
}

async fn current_parties(pool: &PgPool, caller: &Caller, customer: CustomerId) -> ApiResult<Parties> {
    owner_query_as!(
        Parties,
        caller.user(),
        // The seller's data come from two rows: the user and the business. The `ETag` contains the seller's version.
        // A version only increases, so the sum of both versions changes if one of the rows changes.
        r#"select c.name as customer, c.email as customer_email, c.address as customer_address,
               c.tax_id as customer_tax_id, c.version as customer_version,
               coalesce(b.name, u.display_name) as "seller!", u.email as seller_email,
               b.address as "seller_address?", b.country as "seller_country?", b.vat_id as "seller_vat_id?",
               b.registration as "seller_registration?", b.iban as "iban?", b.bic as "bic?",
               u.version + coalesce(b.version, 1) as "seller_version!"
           from customers c join users u on u.id = $1 left join businesses b on b.owner_id = $1
           where c.owner_id = $1 and c.id = $2"#,
        customer.uuid()
    )
    .fetch_optional(pool)
    .await?
    // Two statements read the invoice and the customer. Between them, another request can delete the customer.
    .ok_or_else(|| ApiError::unavailable(1, "an invoice changed while it was read"))
}
