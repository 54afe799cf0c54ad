//! Handlers for administrators. Each takes an [`AdminCaller`].

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::model::Status;
use super::store::AdminStore;
use super::views::{AccountPage, AccountQuery, AccountView};
use crate::base::id::UserId;
use crate::base::page::Page;
use crate::http::error::ApiResult;
use crate::http::params::{PathId, QueryFields};
use crate::http::reply::{no_content, ok};
use crate::security::authorization::administrators::AdminCaller;
use crate::security::authorization::cursors::Cursors;

/// List name that cursors are bound to.
const LIST: &str = "admin/users";

/// Lists all users, newest first.
pub async fn users(
    admin: AdminCaller,
    QueryFields(query): QueryFields<AccountQuery>,
    store: Data<AdminStore>,
    cursors: Data<Cursors>,
) -> ApiResult<HttpResponse> {
    let filter = query.filter();
    let text = filter.text();
    let after = cursors.page_start(admin.user(), LIST, &text, query.cursor.as_deref())?;
    let rows = store.users(&admin, &filter, after, query.limit).await?;
    let page = Page::from_rows(rows, query.limit, |last| cursors.encode(admin.user(), LIST, &text, &last.position()))?;
    Ok(ok(&AccountPage::from(page)))
}

/// Returns one user.
pub async fn user(admin: AdminCaller, PathId(id): PathId<UserId>, store: Data<AdminStore>) -> ApiResult<HttpResponse> {
    Ok(ok(&AccountView::from(store.user(&admin, id).await?)))
}

/// Unlocks a user after failed logins.
pub async fn unlock(
    admin: AdminCaller,
    PathId(id): PathId<UserId>,
    store: Data<AdminStore>,
) -> ApiResult<HttpResponse> {
    store.unlock(&admin, id).await?;
    Ok(no_content())
}

/// Disables a user and ends their sessions.
pub async fn disable(
    admin: AdminCaller,
    PathId(id): PathId<UserId>,
    store: Data<AdminStore>,
) -> ApiResult<HttpResponse> {
    store.set_status(&admin, id, Status::Disabled).await?;
    Ok(no_content())
}

/// Enables a disabled user.
pub async fn enable(
    admin: AdminCaller,
    PathId(id): PathId<UserId>,
    store: Data<AdminStore>,
) -> ApiResult<HttpResponse> {
    store.set_status(&admin, id, Status::Active).await?;
    Ok(no_content())
}

/// Ends all sessions of a user.
pub async fn end_sessions(
    admin: AdminCaller,
    PathId(id): PathId<UserId>,
    store: Data<AdminStore>,
) -> ApiResult<HttpResponse> {
    store.end_sessions(&admin, id).await?;
    Ok(no_content())
}
