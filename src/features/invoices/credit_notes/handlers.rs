use actix_web::web::Data;

use super::super::store::InvoiceStore;
use super::model::{Credit, CreditError, CreditNoteHeader};
use super::views::{CreditNoteFilter, CreditNoteSummary, CreditNoteView, NewCreditNote};
use crate::base::clock::Clock;
use crate::features::invoices::id::{CreditNoteId, InvoiceId};
use crate::features::invoices::transition_error::TransitionError;
use crate::http::error::{ApiError, ApiResult};
use crate::http::idempotency::IdempotentJson;
use crate::http::params::{ListQuery, PathId};
use crate::http::reply::{Created, Json, Paged};
use crate::security::authorization::cursors::{Cursors, ListScope};
use crate::security::limits::row_quotas::RowQuotas;
use crate::security::sessions::caller::Caller;

/// Each cursor of this list contains this name, so other lists refuse the cursor.
const LIST: &str = "credit_notes";

/// The request needs no `If-Match`, because a credit note overwrites nothing.
/// Each request locks the invoice's row, so parallel credit notes together cannot exceed the invoice.
pub async fn create(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    IdempotentJson { body: note, key }: IdempotentJson<NewCreditNote>,
    invoices: Data<InvoiceStore>,
    quotas: Data<RowQuotas>,
    clock: Data<Clock>,
) -> ApiResult<Created<Json<CreditNoteView>>> {
    let (owner, now) = (caller.user(), clock.now());
    let mut tx = invoices.begin(&caller).await?;
    let created = key
        .once(&mut tx, owner, now, async |tx| {
            let invoice = tx.lock(id).await?;
            invoice.ensure_creditable()?;
            let before = tx.credited_by_line(id).await?;
            let credit = Credit::of(&invoice, &before, note.parts().as_deref())?;
            let invoice = invoice.credit(credit.total(), now)?;
            quotas.admit::<CreditNoteHeader>(tx.connection(), owner).await?;
            let today = tx.calendar().await?.today(now);
            let note = tx.insert_credit_note(CreditNoteId::new(), &invoice, credit, note.reason, today, now).await?;
            tx.save_state(&invoice).await?;
            Created::at(format!("/api/v1/credit-notes/{}", note.header.id), &Json(CreditNoteView::from(&note)))
        })
        .await?;
    tx.commit().await?;
    Ok(created)
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

pub async fn list(
    caller: Caller,
    query: ListQuery<CreditNoteFilter>,
    invoices: Data<InvoiceStore>,
    cursors: Data<Cursors>,
) -> ApiResult<Paged<CreditNoteSummary>> {
    let scope = ListScope::new(caller.user(), LIST, &query)?;
    let invoice = query.filter.invoice_id.map(|id| id.0);
    let rows = invoices.credit_notes(&caller, invoice, cursors.start(&scope)?, scope.limit).await?;
    Ok(Json(cursors.page(&scope, rows, CreditNoteHeader::position)?.map(CreditNoteSummary::from)))
}

pub async fn read(
    caller: Caller,
    PathId(id): PathId<CreditNoteId>,
    invoices: Data<InvoiceStore>,
) -> ApiResult<Json<CreditNoteView>> {
    let note = invoices.credit_note(&caller, id).await?;
    Ok(Json(CreditNoteView::from(&note)))
}
