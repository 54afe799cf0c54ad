//! Reads by administrators are recorded as security events.

use actix_web::web::Data;

use super::alert_views::{AlertFilter, AlertView, position};
use super::store::EventStore;
use super::views::{EventFilter, EventView, HistoryView};
use crate::http::client_ip::ClientAddr;
use crate::http::error::ApiResult;
use crate::http::params::{ListQuery, NoFilter};
use crate::http::reply::{Json, Paged};
use crate::security::authorization::administrators::{AdminCaller, Administrators};
use crate::security::authorization::cursors::{Cursors, ListScope};
use crate::security::detection::alerts::Alerts;
use crate::security::sessions::caller::Caller;

/// A cursor contains the name of its list, and other lists refuse the cursor.
const OWN: &str = "me/security-events";
const ALL: &str = "admin/security-events";
const ALERTS: &str = "admin/alerts";

pub async fn own(
    caller: Caller,
    query: ListQuery<NoFilter>,
    events: Data<EventStore>,
    cursors: Data<Cursors>,
) -> ApiResult<Paged<HistoryView>> {
    let scope = ListScope::new(caller.user(), OWN, &query)?;
    let rows = events.own(&caller, cursors.start(&scope)?, scope.limit).await?;
    let page = cursors.page(&scope, rows, EventView::position)?;
    Ok(Json(page.map(|event| HistoryView::of(event, &caller))))
}

pub async fn all(
    admin: AdminCaller,
    address: ClientAddr,
    query: ListQuery<EventFilter>,
    events: Data<EventStore>,
    cursors: Data<Cursors>,
    administrators: Data<Administrators>,
) -> ApiResult<Paged<EventView>> {
    let scope = ListScope::new(admin.user(), ALL, &query)?;
    let rows = events.all(&admin, &query.filter.parse(), cursors.start(&scope)?, scope.limit).await?;
    administrators.record_read(&admin, address, "events").await;
    Ok(Json(cursors.page(&scope, rows, EventView::position)?))
}

pub async fn alerts(
    admin: AdminCaller,
    address: ClientAddr,
    query: ListQuery<AlertFilter>,
    alerts: Data<Alerts>,
    cursors: Data<Cursors>,
    administrators: Data<Administrators>,
) -> ApiResult<Paged<AlertView>> {
    let scope = ListScope::new(admin.user(), ALERTS, &query)?;
    let rows = alerts.list(&admin, query.filter.state.map(Into::into), cursors.start(&scope)?, scope.limit).await?;
    administrators.record_read(&admin, address, "alerts").await;
    Ok(Json(cursors.page(&scope, rows, position)?.map(AlertView::from)))
}
