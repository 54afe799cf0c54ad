//! Endpoints of credit notes.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::super::store::InvoiceStore;
use super::model::{Credit, CreditError};
use super::views::{CreditNotePage, CreditNoteQuery, CreditNoteView, NewCreditNote};
use crate::base::clock::Clock;
use crate::base::id::{CreditNoteId, InvoiceId};
use crate::base::page::Page;
use crate::features::invoices::model::TransitionError;
use crate::http::error::{ApiError, ApiResult};
use crate::http::idempotency::{Answer, IdempotentJson};
use crate::http::params::{PathId, QueryFields};
use crate::http::reply;
use crate::security::authorization::cursors::Cursors;
use crate::security::limits::row_quotas::{RowQuotas, Rows};
use crate::security::sessions::caller::Caller;

const LIST: &str = "credit_notes";

/// Credits an issued invoice in part, or its whole remaining amount. It needs no `If-Match`: parallel credit notes do not overwrite
/// each other, and the row lock keeps their sum within the invoice.
pub async fn create(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    IdempotentJson { body: note, key }: IdempotentJson<NewCreditNote>,
    invoices: Data<InvoiceStore>,
    quotas: Data<RowQuotas>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let (owner, now) = (caller.user(), clock.now());
    let mut tx = invoices.begin(&caller).await?;
    // Lock order: the idempotency key first, then the invoice (`db/idempotency.rs`).
    if let Some(answer) = key.stored_reply(tx.connection(), owner, now).await? {
        return Ok(answer);
    }
    let invoice = tx.lock(id).await?;
    invoice.ensure_creditable()?;
    let before = tx.credited_by_line(id).await?;
    let credit = Credit::of(&invoice, &before, note.parts().as_deref())?;
    let invoice = invoice.credit(credit.total(), now)?;
    quotas.admit(tx.connection(), owner, Rows::CreditNotes).await?;
    let today = tx.calendar().await?.today(now);
    let note = tx.insert_credit_note(CreditNoteId::new(), &invoice, credit, note.reason, today, now).await?;
    tx.save_state(&invoice).await?;
    let location = format!("/api/v1/credit-notes/{}", note.header.id);
    let answer = Answer::created(location, None, &CreditNoteView::from(&note))?;
    key.store(tx.connection(), owner, now, &answer).await?;
    tx.commit().await?;
    Ok(answer.reply())
}

impl From<CreditError> for ApiError {
    fn from(error: CreditError) -> Self {
        match error {
            CreditError::NoSuchLine(index) => {
                Self::invalid(format!("/lines/{index}/line"), "must be a line number of the invoice")
            }
            CreditError::LineTwice(index) => Self::invalid(format!("/lines/{index}/line"), "must name each line once"),
            CreditError::Exceeds => TransitionError::CreditExceedsInvoice.into(),
            CreditError::Overflow => Self::internal("overflow in the amounts of a credit note"),
        }
    }
}

/// Lists the caller's credit notes, newest first, optionally of one invoice.
pub async fn list(
    caller: Caller,
    QueryFields(query): QueryFields<CreditNoteQuery>,
    invoices: Data<InvoiceStore>,
    cursors: Data<Cursors>,
) -> ApiResult<HttpResponse> {
    let (owner, invoice) = (caller.user(), query.invoice_id.map(|id| id.0));
    let filter = invoice.map(|id| id.to_string()).unwrap_or_default();
    let after = cursors.page_start(owner, LIST, &filter, query.cursor.as_deref())?;
    let rows = invoices.credit_notes(&caller, invoice, after, query.limit).await?;
    let page = Page::from_rows(rows, query.limit, |last| cursors.encode(owner, LIST, &filter, &last.position()))?;
    Ok(reply::ok(&CreditNotePage::from(page)))
}

/// Returns a credit note with its lines.
pub async fn read(
    caller: Caller,
    PathId(id): PathId<CreditNoteId>,
    invoices: Data<InvoiceStore>,
) -> ApiResult<HttpResponse> {
    let note = invoices.credit_note(&caller, id).await?;
    Ok(reply::ok(&CreditNoteView::from(&note)))
}
