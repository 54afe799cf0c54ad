//! Endpoints of customers.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::model::{Change, Customer};
use super::store::CustomerStore;
use super::views::{CustomerPage, CustomerQuery, CustomerView, NewCustomer, UpdateCustomer};
use crate::base::clock::Clock;
use crate::base::id::CustomerId;
use crate::base::page::Page;
use crate::http::body::JsonBody;
use crate::http::conditional::IfMatch;
use crate::http::error::ApiResult;
use crate::http::idempotency::{Answer, IdempotentJson};
use crate::http::params::{PathId, QueryFields};
use crate::http::reply;
use crate::security::authorization::cursors::Cursors;
use crate::security::limits::row_quotas::{RowQuotas, Rows};
use crate::security::sessions::caller::Caller;

/// Name of the list; cursors are bound to it.
const LIST: &str = "customers";

/// Creates a customer.
pub async fn create(
    caller: Caller,
    IdempotentJson { body: new, key }: IdempotentJson<NewCustomer>,
    customers: Data<CustomerStore>,
    quotas: Data<RowQuotas>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let customer = Customer::new(new.try_into()?, clock.now());
    let (owner, now) = (caller.user(), customer.created_at());
    let mut tx = customers.begin(&caller).await?;
    if let Some(answer) = key.stored_reply(tx.connection(), owner, now).await? {
        return Ok(answer);
    }
    quotas.admit(tx.connection(), owner, Rows::Customers).await?;
    tx.insert(&customer).await?;
    let location = format!("/api/v1/customers/{}", customer.id());
    let answer = Answer::created(location, Some(customer.version()), &CustomerView::from(&customer))?;
    key.store(tx.connection(), owner, now, &answer).await?;
    tx.commit().await?;
    Ok(answer.reply())
}

/// Lists the caller's customers, newest first.
pub async fn list(
    caller: Caller,
    QueryFields(query): QueryFields<CustomerQuery>,
    customers: Data<CustomerStore>,
    cursors: Data<Cursors>,
) -> ApiResult<HttpResponse> {
    let after = cursors.page_start(caller.user(), LIST, "", query.cursor.as_deref())?;
    let rows = customers.list(&caller, after, query.limit).await?;
    let page = Page::from_rows(rows, query.limit, |last| cursors.encode(caller.user(), LIST, "", &last.position()))?;
    Ok(reply::ok(&CustomerPage::from(page)))
}

/// Returns a customer.
pub async fn read(
    caller: Caller,
    PathId(id): PathId<CustomerId>,
    customers: Data<CustomerStore>,
) -> ApiResult<HttpResponse> {
    let customer = customers.read(&caller, id).await?;
    Ok(reply::ok_versioned(customer.version(), &CustomerView::from(&customer)))
}

/// Changes the given fields of a customer.
pub async fn update(
    caller: Caller,
    PathId(id): PathId<CustomerId>,
    if_match: IfMatch,
    JsonBody(update): JsonBody<UpdateCustomer>,
    customers: Data<CustomerStore>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let update = Change::try_from(update)?;
    let mut tx = customers.begin(&caller).await?;
    let customer = tx.lock(id).await?;
    if_match.check(customer.version())?;
    let customer = customer.updated(update, clock.now());
    tx.save(&customer).await?;
    tx.commit().await?;
    Ok(reply::ok_versioned(customer.version(), &CustomerView::from(&customer)))
}

/// Deletes a customer without invoices.
pub async fn delete(
    caller: Caller,
    PathId(id): PathId<CustomerId>,
    if_match: IfMatch,
    customers: Data<CustomerStore>,
) -> ApiResult<HttpResponse> {
    let mut tx = customers.begin(&caller).await?;
    let customer = tx.lock(id).await?;
    if_match.check(customer.version())?;
    tx.delete(&customer).await?;
    tx.commit().await?;
    Ok(reply::no_content())
}
