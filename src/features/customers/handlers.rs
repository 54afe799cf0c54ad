//! Endpoints of customers.

use actix_web::web::Data;

use super::model::{Change, Customer};
use super::store::CustomerStore;
use super::views::{CustomerView, NewCustomer, UpdateCustomer};
use crate::base::clock::Clock;
use crate::base::id::CustomerId;
use crate::http::body::JsonBody;
use crate::http::conditional::IfMatch;
use crate::http::error::ApiResult;
use crate::http::idempotency::IdempotentJson;
use crate::http::params::{ListQuery, NoFilter, PathId};
use crate::http::reply::{Created, Json, NoContent, Paged, Versioned};
use crate::security::authorization::cursors::{Cursors, ListScope};
use crate::security::limits::row_quotas::{RowQuotas, Rows};
use crate::security::sessions::caller::Caller;

/// The name of the list in cursors.
const LIST: &str = "customers";

/// Creates a customer.
pub async fn create(
    caller: Caller,
    IdempotentJson { body: new, key }: IdempotentJson<NewCustomer>,
    customers: Data<CustomerStore>,
    quotas: Data<RowQuotas>,
    clock: Data<Clock>,
) -> ApiResult<Created<Versioned<CustomerView>>> {
    let customer = Customer::new(new.try_into()?, clock.now());
    let (owner, now) = (caller.user(), customer.created_at());
    let mut tx = customers.begin(&caller).await?;
    let created = key
        .once(&mut tx, owner, now, async |tx| {
            quotas.admit(tx.connection(), owner, Rows::Customers).await?;
            tx.insert(&customer).await?;
            Created::at(format!("/api/v1/customers/{}", customer.id()), &Versioned::from(&customer))
        })
        .await?;
    tx.commit().await?;
    Ok(created)
}

/// Lists the caller's customers, newest first.
pub async fn list(
    caller: Caller,
    query: ListQuery<NoFilter>,
    customers: Data<CustomerStore>,
    cursors: Data<Cursors>,
) -> ApiResult<Paged<CustomerView>> {
    let scope = ListScope::new(caller.user(), LIST, &query)?;
    let rows = customers.list(&caller, cursors.start(&scope)?, scope.limit).await?;
    let page = cursors.page(&scope, rows, Customer::position)?;
    Ok(Json(page.map(|customer| CustomerView::from(&customer))))
}

/// Returns a customer.
pub async fn read(
    caller: Caller,
    PathId(id): PathId<CustomerId>,
    customers: Data<CustomerStore>,
) -> ApiResult<Versioned<CustomerView>> {
    Ok(Versioned::from(&customers.read(&caller, id).await?))
}

/// Changes the given fields of a customer.
pub async fn update(
    caller: Caller,
    PathId(id): PathId<CustomerId>,
    if_match: IfMatch,
    JsonBody(update): JsonBody<UpdateCustomer>,
    customers: Data<CustomerStore>,
    clock: Data<Clock>,
) -> ApiResult<Versioned<CustomerView>> {
    let update = Change::try_from(update)?;
    let mut tx = customers.begin(&caller).await?;
    let customer = tx.lock(id).await?;
    if_match.check(customer.version())?;
    let customer = customer.updated(update, clock.now());
    tx.save(&customer).await?;
    tx.commit().await?;
    Ok(Versioned::from(&customer))
}

/// Deletes a customer without invoices.
pub async fn delete(
    caller: Caller,
    PathId(id): PathId<CustomerId>,
    if_match: IfMatch,
    customers: Data<CustomerStore>,
) -> ApiResult<NoContent> {
    let mut tx = customers.begin(&caller).await?;
    let customer = tx.lock(id).await?;
    if_match.check(customer.version())?;
    tx.delete(&customer).await?;
    tx.commit().await?;
    Ok(NoContent)
}
