//! One function a verb: each takes the proved administrator.

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

/// Cursors of this list are good for no other.
const LIST: &str = "admin/users";

/// All users, newest first.
pub async fn users(
    admin: AdminCaller,
    QueryFields(query): QueryFields<AccountQuery>,
    store: Data<AdminStore>,
    cursors: Data<Cursors>,
) -> ApiResult<HttpResponse> {
    let filter = query.filter();
    let text = filter.text();
    let after = cursors.after(admin.user(), LIST, &text, query.cursor.as_deref())?;
    let rows = store.users(&admin, &filter, after, query.limit).await?;
    let page = Page::from_rows(rows, query.limit, |last| cursors.seal(admin.user(), LIST, &text, &last.position()))?;
    Ok(ok(&AccountPage::from(page)))
}

/// One user.
pub async fn user(admin: AdminCaller, PathId(id): PathId<UserId>, store: Data<AdminStore>) -> ApiResult<HttpResponse> {
    Ok(ok(&AccountView::from(store.user(&admin, id).await?)))
}

/// Lets a user sign in again who is locked.
pub async fn unlock(
    admin: AdminCaller,
    PathId(id): PathId<UserId>,
    store: Data<AdminStore>,
) -> ApiResult<HttpResponse> {
    store.unlock(&admin, id).await?;
    Ok(no_content())
}

/// Shuts a user out, at once.
pub async fn disable(
    admin: AdminCaller,
    PathId(id): PathId<UserId>,
    store: Data<AdminStore>,
) -> ApiResult<HttpResponse> {
    store.set_status(&admin, id, Status::Disabled).await?;
    Ok(no_content())
}

/// Lets a user in again.
pub async fn enable(
    admin: AdminCaller,
    PathId(id): PathId<UserId>,
    store: Data<AdminStore>,
) -> ApiResult<HttpResponse> {
    store.set_status(&admin, id, Status::Active).await?;
    Ok(no_content())
}

/// Signs a user out everywhere.
pub async fn end_sessions(
    admin: AdminCaller,
    PathId(id): PathId<UserId>,
    store: Data<AdminStore>,
) -> ApiResult<HttpResponse> {
    store.end_sessions(&admin, id).await?;
    Ok(no_content())
}
