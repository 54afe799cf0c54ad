//! Handlers for administrators. Each handler takes an [`AdminCaller`], which refuses all other users.

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

/// The name by which a cursor identifies this list.
const LIST: &str = "admin/users";

/// Lists all users, newest first.
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

/// Returns one user.
pub async fn user(
    admin: AdminCaller,
    PathId(id): PathId<UserId>,
    store: Data<AdminStore>,
) -> ApiResult<Json<AccountView>> {
    Ok(Json(AccountView::from(store.user(&admin, id).await?)))
}

/// Unlocks a user after failed logins.
pub async fn unlock(admin: AdminCaller, PathId(id): PathId<UserId>, store: Data<AdminStore>) -> ApiResult<NoContent> {
    store.unlock(&admin, id).await?;
    Ok(NoContent)
}

/// Disables a user and ends their sessions.
pub async fn disable(admin: AdminCaller, PathId(id): PathId<UserId>, store: Data<AdminStore>) -> ApiResult<NoContent> {
    store.set_status(&admin, id, Status::Disabled).await?;
    Ok(NoContent)
}

/// Enables a disabled user.
pub async fn enable(admin: AdminCaller, PathId(id): PathId<UserId>, store: Data<AdminStore>) -> ApiResult<NoContent> {
    store.set_status(&admin, id, Status::Active).await?;
    Ok(NoContent)
}

/// Ends all sessions of a user.
pub async fn end_sessions(
    admin: AdminCaller,
    PathId(id): PathId<UserId>,
    store: Data<AdminStore>,
) -> ApiResult<NoContent> {
    store.end_sessions(&admin, id).await?;
    Ok(NoContent)
}
