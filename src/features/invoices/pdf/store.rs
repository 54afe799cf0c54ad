//! SQL for a PDF: the document and, in the same transaction, both parties.

use sqlx::PgConnection;

use super::layout::{Document, Party, PdfData};
use crate::base::id::{CreditNoteId, CustomerId, InvoiceId};
use crate::features::invoices::store::InvoiceStore;
use crate::http::error::{ApiError, ApiResult};
use crate::security::sessions::caller::Caller;

struct PartiesRow {
    seller: String,
    seller_email: String,
    seller_address: Option<String>,
    seller_country: Option<String>,
    seller_vat_id: Option<String>,
    registration: Option<String>,
    iban: Option<String>,
    bic: Option<String>,
    seller_version: i64,
    name: String,
    email: Option<String>,
    address: Option<String>,
    tax_id: Option<String>,
    version: i64,
}

impl InvoiceStore {
    /// Returns an invoice with both parties: as stored at issue, or the current ones for a draft.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if it does not exist or belongs to another user.
    pub(super) async fn invoice_pdf_data(&self, caller: &Caller, id: InvoiceId) -> ApiResult<PdfData> {
        let mut tx = self.begin_read(caller).await?;
        let invoice = self.read_within(&mut tx, caller, id).await?;
        let names = match invoice.state().number {
            Some(_) => parties_at_issue(tx.connection(), caller, id).await?,
            None => current_parties(tx.connection(), caller, invoice.content().customer).await?,
        };
        names.into_pdf_data(Document::Invoice(invoice))
    }

    /// Returns a credit note with the parties of its invoice.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if it does not exist or belongs to another user.
    pub(super) async fn credit_note_pdf_data(&self, caller: &Caller, id: CreditNoteId) -> ApiResult<PdfData> {
        let mut tx = self.begin_read(caller).await?;
        let note = self.credit_note_within(&mut tx, caller, id).await?;
        // A credit note does not request a payment, so it shows no bank account.
        let names = PartiesRow { iban: None, ..parties_at_issue(tx.connection(), caller, note.header.invoice).await? };
        names.into_pdf_data(Document::CreditNote(note))
    }
}

impl PartiesRow {
    fn into_pdf_data(self, document: Document) -> ApiResult<PdfData> {
        let names = self;
        let iban = names.iban.as_deref().map(str::parse).transpose().map_err(ApiError::internal)?;
        let lines = [names.seller_address, names.seller_country].into_iter().flatten().collect::<Vec<_>>();
        let seller = Party {
            name: names.seller,
            email: Some(names.seller_email),
            address: Some(lines.join("\n")).filter(|address| !address.is_empty()),
            tax_id: names.seller_vat_id,
            version: names.seller_version,
        };
        let customer = Party {
            name: names.name,
            email: names.email,
            address: names.address,
            tax_id: names.tax_id,
            version: names.version,
        };
        Ok(PdfData { document, seller, customer, registration: names.registration, iban, bic: names.bic })
    }
}

/// Returns the parties stored at issue. They never change, so their version is 0.
async fn parties_at_issue(connection: &mut PgConnection, caller: &Caller, invoice: InvoiceId) -> ApiResult<PartiesRow> {
    sqlx::query_as!(
        PartiesRow,
        r#"select seller_name as seller, seller_email, seller_address, seller_country, seller_vat_id,
               seller_registration as registration, seller_iban as iban, seller_bic as bic,
               0::bigint as "seller_version!", customer_name as name,
               customer_email as email, customer_address as address, customer_tax_id as tax_id, 0::bigint as "version!"
           from invoice_parties where owner_id = $1 and invoice_id = $2"#,
        caller.user().uuid(),
        invoice.uuid()
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| ApiError::internal("issued invoice has no stored parties"))
}

/// Returns the current data of both parties.
async fn current_parties(
    connection: &mut PgConnection,
    caller: &Caller,
    customer: CustomerId,
) -> ApiResult<PartiesRow> {
    sqlx::query_as!(
        PartiesRow,
        // Versions only grow, so their sum changes with each of the two.
        r#"select c.name, c.email, c.address, c.tax_id, c.version,
               coalesce(b.name, u.display_name) as "seller!", u.email as seller_email,
               b.address as "seller_address?", b.country as "seller_country?", b.vat_id as "seller_vat_id?",
               b.registration as "registration?", b.iban as "iban?", b.bic as "bic?",
               u.version + coalesce(b.version, 1) as "seller_version!"
           from customers c join users u on u.id = $1 left join businesses b on b.owner_id = $1
           where c.owner_id = $1 and c.id = $2"#,
        caller.user().uuid(),
        customer.uuid()
    )
    .fetch_optional(connection)
    .await?
    // Between the two statements, another request changed the draft's customer and deleted the old one.
    .ok_or_else(|| ApiError::unavailable(1, "an invoice changed while it was read"))
}
