use actix_web::web::Data;

use super::model::Invoice;
use super::payments::{NewPayment, Payment, PaymentView};
use super::store::InvoiceStore;
use super::summary::ListPosition;
use super::views::{InvoiceDraft, InvoiceFilter, InvoiceSummary, InvoiceView, IssueInvoice};
use crate::base::clock::Clock;
use crate::features::invoices::id::InvoiceId;
use crate::http::body::{JsonBody, OptionalJsonBody};
use crate::http::conditional::IfMatch;
use crate::http::error::ApiResult;
use crate::http::idempotency::IdempotentJson;
use crate::http::params::{ListQuery, NoFilter, PathId};
use crate::http::reply::{Created, Json, NoContent, Paged, Versioned};
use crate::security::authorization::cursors::{Cursors, ListScope};
use crate::security::limits::row_quotas::RowQuotas;
use crate::security::sessions::caller::Caller;

/// Each cursor contains the name of its list, so other lists refuse the cursor.
const LIST: &str = "invoices";
const PAYMENTS: &str = "payments";

pub async fn create(
    caller: Caller,
    IdempotentJson { body: draft, key }: IdempotentJson<InvoiceDraft>,
    invoices: Data<InvoiceStore>,
    quotas: Data<RowQuotas>,
    clock: Data<Clock>,
) -> ApiResult<Created<Versioned<InvoiceView>>> {
    let (content, totals) = draft.parse()?;
    let draft = Invoice::draft(content, totals, clock.now());
    let (owner, now) = (caller.user(), draft.state().created_at);
    let mut tx = invoices.begin(&caller).await?;
    let created = key
        .once(&mut tx, owner, now, async |tx| {
            quotas.admit::<Invoice>(tx.connection(), owner).await?;
            tx.insert(&draft).await?;
            Created::at(format!("/api/v1/invoices/{}", draft.id()), &Versioned::from(&draft))
        })
        .await?;
    tx.commit().await?;
    Ok(created)
}

pub async fn list(
    caller: Caller,
    query: ListQuery<InvoiceFilter>,
    invoices: Data<InvoiceStore>,
    cursors: Data<Cursors>,
    clock: Data<Clock>,
) -> ApiResult<Paged<InvoiceSummary>> {
    let scope = ListScope::new(caller.user(), LIST, &query)?;
    let (filter, sort) = (query.filter.parse(), query.filter.sort());
    let after = cursors.start_or(&scope, ListPosition::start(sort, &filter))?;
    let today = match filter.overdue {
        Some(_) => invoices.calendar(&caller).await?.today(clock.now()),
        None => clock.now().date_naive(),
    };
    let rows = invoices.list(&caller, &filter, sort, today, &after, scope.limit).await?;
    let page = cursors.page(&scope, rows, |last| last.position(sort))?;
    Ok(Json(page.map(|summary| InvoiceSummary::from(&summary))))
}

pub async fn read(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    invoices: Data<InvoiceStore>,
) -> ApiResult<Versioned<InvoiceView>> {
    Ok(Versioned::from(&invoices.read(&caller, id).await?))
}

pub async fn replace(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    if_match: IfMatch,
    JsonBody(draft): JsonBody<InvoiceDraft>,
    invoices: Data<InvoiceStore>,
    clock: Data<Clock>,
) -> ApiResult<Versioned<InvoiceView>> {
    let (content, totals) = draft.parse()?;
    let mut tx = invoices.begin(&caller).await?;
    let invoice = tx.lock(id).await?;
    if_match.check(invoice.state().version)?;
    let invoice = invoice.replace(content, totals, clock.now())?;
    tx.replace(&invoice).await?;
    tx.commit().await?;
    Ok(Versioned::from(&invoice))
}

/// Deletes a draft. An issued invoice cannot be deleted, because the numbers of its owner must have no gaps.
pub async fn delete(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    if_match: IfMatch,
    invoices: Data<InvoiceStore>,
) -> ApiResult<NoContent> {
    let mut tx = invoices.begin(&caller).await?;
    let invoice = tx.lock(id).await?;
    if_match.check(invoice.state().version)?;
    invoice.ensure_draft()?;
    tx.delete(&invoice).await?;
    tx.commit().await?;
    Ok(NoContent)
}

pub async fn issue(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    if_match: IfMatch,
    OptionalJsonBody(body): OptionalJsonBody<IssueInvoice>,
    invoices: Data<InvoiceStore>,
    clock: Data<Clock>,
) -> ApiResult<Versioned<InvoiceView>> {
    let now = clock.now();
    let mut tx = invoices.begin(&caller).await?;
    let invoice = tx.lock(id).await?;
    if_match.check(invoice.state().version)?;
    invoice.ensure_draft()?;
    let calendar = tx.calendar().await?;
    let day = calendar.issue_date(body.issue_date(), now)?;
    invoice.ensure_issuable(day)?;
    let number = tx.assign_number(&invoice, day).await?;
    let invoice = invoice.issue(number, day, calendar.due_date(day), now)?;
    tx.save_state(&invoice).await?;
    tx.commit().await?;
    Ok(Versioned::from(&invoice))
}

/// An issued invoice keeps its number, so that the numbers have no gaps.
pub async fn void(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    if_match: IfMatch,
    invoices: Data<InvoiceStore>,
    clock: Data<Clock>,
) -> ApiResult<Versioned<InvoiceView>> {
    let mut tx = invoices.begin(&caller).await?;
    let invoice = tx.lock(id).await?;
    if_match.check(invoice.state().version)?;
    let invoice = invoice.void(clock.now())?;
    tx.save_state(&invoice).await?;
    tx.commit().await?;
    Ok(Versioned::from(&invoice))
}

/// The request needs no `If-Match`, because a payment overwrites nothing.
pub async fn pay(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    IdempotentJson { body: payment, key }: IdempotentJson<NewPayment>,
    invoices: Data<InvoiceStore>,
    quotas: Data<RowQuotas>,
    clock: Data<Clock>,
) -> ApiResult<Created<Json<PaymentView>>> {
    let (owner, now) = (caller.user(), clock.now());
    let payment = payment.parse(now)?;
    let mut tx = invoices.begin(&caller).await?;
    let created = key
        .once(&mut tx, owner, now, async |tx| {
            let invoice = tx.lock(id).await?.pay(payment.amount, now)?;
            quotas.admit::<Payment>(tx.connection(), owner).await?;
            tx.insert_payment(&invoice, &payment).await?;
            tx.save_state(&invoice).await?;
            Created::at(format!("/api/v1/invoices/{id}/payments"), &Json(PaymentView::from(payment)))
        })
        .await?;
    tx.commit().await?;
    Ok(created)
}

pub async fn payments(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    query: ListQuery<NoFilter>,
    invoices: Data<InvoiceStore>,
    cursors: Data<Cursors>,
) -> ApiResult<Paged<PaymentView>> {
    let scope = ListScope::of_parent(caller.user(), PAYMENTS, id.uuid(), &query);
    let rows = invoices.payments(&caller, id, cursors.start(&scope)?, scope.limit).await?;
    Ok(Json(cursors.page(&scope, rows, Payment::position)?.map(PaymentView::from)))
}
