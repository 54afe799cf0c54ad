//! Each handler takes an [`AdminCaller`], which refuses all other users.

use actix_web::web::Data;

use super::model::{Account, Status};
use super::store::AdminStore;
use super::views::{AccountFilter, AccountView};
use crate::base::id::UserId;
use crate::http::error::ApiResult;
use crate::http::params::{ListQuery, PathId};
use crate::http::reply::{Json, NoContent, Paged};
use crate::security::authorization::administrators::AdminCaller;
use crate::security::authorization::cursors::{Cursors, ListScope};

/// Each cursor of this list contains this name. Other lists refuse such a cursor.
const LIST: &str = "admin/users";

pub async fn users(
    admin: AdminCaller,
    query: ListQuery<AccountFilter>,
    store: Data<AdminStore>,
    cursors: Data<Cursors>,
) -> ApiResult<Paged<AccountView>> {
    let scope = ListScope::new(admin.user(), LIST, &query)?;
    let rows = store.users(&admin, &query.filter.parse(), cursors.start(&scope)?, scope.limit).await?;
    Ok(Json(cursors.page(&scope, rows, Account::position)?.map(AccountView::from)))
}

pub async fn user(
    admin: AdminCaller,
    PathId(id): PathId<UserId>,
    store: Data<AdminStore>,
) -> ApiResult<Json<AccountView>> {
    Ok(Json(AccountView::from(store.user(&admin, id).await?)))
}

pub async fn unlock(admin: AdminCaller, PathId(id): PathId<UserId>, store: Data<AdminStore>) -> ApiResult<NoContent> {
    store.unlock(&admin, id).await?;
    Ok(NoContent)
}

pub async fn disable(admin: AdminCaller, PathId(id): PathId<UserId>, store: Data<AdminStore>) -> ApiResult<NoContent> {
    store.set_status(&admin, id, Status::Disabled).await?;
    Ok(NoContent)
}

pub async fn enable(admin: AdminCaller, PathId(id): PathId<UserId>, store: Data<AdminStore>) -> ApiResult<NoContent> {
    store.set_status(&admin, id, Status::Active).await?;
    Ok(NoContent)
}

pub async fn end_sessions(
    admin: AdminCaller,
    PathId(id): PathId<UserId>,
    store: Data<AdminStore>,
) -> ApiResult<NoContent> {
    store.end_sessions(&admin, id).await?;
    Ok(NoContent)
}
