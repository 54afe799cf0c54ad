//! Endpoints of invoices and payments.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::model::Invoice;
use super::payments::{NewPayment, PaymentPage, PaymentQuery, PaymentView};
use super::store::InvoiceStore;
use super::summary::{ListPosition, Sort};
use super::views::{InvoiceDraft, InvoicePage, InvoiceQuery, InvoiceView, IssueInvoice};
use crate::base::clock::Clock;
use crate::base::id::InvoiceId;
use crate::base::page::Page;
use crate::http::body::{JsonBody, OptionalJsonBody};
use crate::http::conditional::IfMatch;
use crate::http::error::ApiResult;
use crate::http::idempotency::{Answer, IdempotentJson};
use crate::http::params::{PathId, QueryFields};
use crate::http::reply;
use crate::security::authorization::cursors::Cursors;
use crate::security::limits::row_quotas::{RowQuotas, Rows};
use crate::security::sessions::caller::Caller;

/// Names of the lists; cursors are bound to them.
const LIST: &str = "invoices";
const PAYMENTS: &str = "payments";

/// Creates a draft.
pub async fn create(
    caller: Caller,
    IdempotentJson { body: draft, key }: IdempotentJson<InvoiceDraft>,
    invoices: Data<InvoiceStore>,
    quotas: Data<RowQuotas>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let (content, totals) = draft.parse()?;
    let draft = Invoice::draft(content, totals, clock.now());
    let (owner, now) = (caller.user(), draft.state().created_at);
    let mut tx = invoices.begin(&caller).await?;
    if let Some(answer) = key.stored_reply(tx.connection(), owner, now).await? {
        return Ok(answer);
    }
    quotas.admit(tx.connection(), owner, Rows::Invoices).await?;
    tx.insert(&draft).await?;
    let location = format!("/api/v1/invoices/{}", draft.id());
    let answer = Answer::created(location, Some(draft.state().version), &InvoiceView::from(&draft))?;
    key.store(tx.connection(), owner, now, &answer).await?;
    tx.commit().await?;
    Ok(answer.reply())
}

/// Lists the caller's invoices, filtered and sorted, without their lines.
pub async fn list(
    caller: Caller,
    QueryFields(query): QueryFields<InvoiceQuery>,
    invoices: Data<InvoiceStore>,
    cursors: Data<Cursors>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let (owner, filter, sort) = (caller.user(), query.filter(), Sort::from(query.sort));
    let bound_to = filter.text(sort);
    let position = match &query.cursor {
        Some(cursor) => cursors.decode(owner, LIST, &bound_to, cursor)?,
        None => ListPosition::start(sort),
    };
    let today = match filter.overdue {
        Some(_) => invoices.calendar(&caller).await?.today(clock.now()),
        None => clock.now().date_naive(),
    };
    let rows = invoices.list(&caller, &filter, sort, today, &position, query.limit).await?;
    let page = Page::from_rows(rows, query.limit, |last| cursors.encode(owner, LIST, &bound_to, &last.position(sort)))?;
    Ok(reply::ok(&InvoicePage::from(page)))
}

/// Returns an invoice with its lines.
pub async fn read(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    invoices: Data<InvoiceStore>,
) -> ApiResult<HttpResponse> {
    let invoice = invoices.read(&caller, id).await?;
    Ok(reply::ok_versioned(invoice.state().version, &InvoiceView::from(&invoice)))
}

/// Replaces the content of a draft.
pub async fn replace(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    if_match: IfMatch,
    JsonBody(draft): JsonBody<InvoiceDraft>,
    invoices: Data<InvoiceStore>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let (content, totals) = draft.parse()?;
    let mut tx = invoices.begin(&caller).await?;
    let invoice = tx.lock(id).await?;
    if_match.check(invoice.state().version)?;
    let invoice = invoice.replace(content, totals, clock.now())?;
    tx.replace(&invoice).await?;
    tx.commit().await?;
    Ok(reply::ok_versioned(invoice.state().version, &InvoiceView::from(&invoice)))
}

/// Deletes a draft. An issued invoice can only be voided; it keeps its number.
pub async fn delete(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    if_match: IfMatch,
    invoices: Data<InvoiceStore>,
) -> ApiResult<HttpResponse> {
    let mut tx = invoices.begin(&caller).await?;
    let invoice = tx.lock(id).await?;
    if_match.check(invoice.state().version)?;
    invoice.ensure_draft()?;
    tx.delete(&invoice).await?;
    tx.commit().await?;
    Ok(reply::no_content())
}

/// Issues a draft: assigns its number and fixes its content.
pub async fn issue(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    if_match: IfMatch,
    OptionalJsonBody(body): OptionalJsonBody<IssueInvoice>,
    invoices: Data<InvoiceStore>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
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
    Ok(reply::ok_versioned(invoice.state().version, &InvoiceView::from(&invoice)))
}

/// Voids an invoice without payments and credit notes. An issued invoice keeps its number.
pub async fn void(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    if_match: IfMatch,
    invoices: Data<InvoiceStore>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let mut tx = invoices.begin(&caller).await?;
    let invoice = tx.lock(id).await?;
    if_match.check(invoice.state().version)?;
    let invoice = invoice.void(clock.now())?;
    tx.save_state(&invoice).await?;
    tx.commit().await?;
    Ok(reply::ok_versioned(invoice.state().version, &InvoiceView::from(&invoice)))
}

/// Records a payment of at most the amount due. It needs no `If-Match`: parallel payments do not overwrite each other.
pub async fn pay(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    IdempotentJson { body: payment, key }: IdempotentJson<NewPayment>,
    invoices: Data<InvoiceStore>,
    quotas: Data<RowQuotas>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let (owner, now) = (caller.user(), clock.now());
    let payment = payment.parse(now)?;
    let mut tx = invoices.begin(&caller).await?;
    // Lock order: the idempotency key first, then the invoice (`db/idempotency.rs`).
    if let Some(answer) = key.stored_reply(tx.connection(), owner, now).await? {
        return Ok(answer);
    }
    let invoice = tx.lock(id).await?;
    let invoice = invoice.pay(payment.amount, now)?;
    quotas.admit(tx.connection(), owner, Rows::Payments).await?;
    tx.insert_payment(&invoice, &payment).await?;
    tx.save_state(&invoice).await?;
    let answer = Answer::created(format!("/api/v1/invoices/{id}/payments"), None, &PaymentView::from(payment))?;
    key.store(tx.connection(), owner, now, &answer).await?;
    tx.commit().await?;
    Ok(answer.reply())
}

/// Lists the payments of an invoice, newest first.
pub async fn payments(
    caller: Caller,
    PathId(id): PathId<InvoiceId>,
    QueryFields(query): QueryFields<PaymentQuery>,
    invoices: Data<InvoiceStore>,
    cursors: Data<Cursors>,
) -> ApiResult<HttpResponse> {
    let bound_to = id.to_string();
    let after = cursors.page_start(caller.user(), PAYMENTS, &bound_to, query.cursor.as_deref())?;
    let rows = invoices.payments(&caller, id, after, query.limit).await?;
    let page = Page::from_rows(rows, query.limit, |last| {
        cursors.encode(caller.user(), PAYMENTS, &bound_to, &last.position())
    })?;
    Ok(reply::ok(&PaymentPage::from(page)))
}
