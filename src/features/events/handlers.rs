//! The three lists of events and alerts. Reads by administrators are recorded as events.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::alert_views::{AlertPage, AlertQuery, position};
use super::store::EventStore;
use super::views::{EventPage, EventQuery, HistoryPage, HistoryQuery};
use crate::base::page::Page;
use crate::http::error::ApiResult;
use crate::http::params::QueryFields;
use crate::http::reply::ok;
use crate::security::audit::event::{Event, EventKind};
use crate::security::authorization::administrators::AdminCaller;
use crate::security::authorization::cursors::Cursors;
use crate::security::detection::alerts::Alerts;
use crate::security::sessions::caller::Caller;

/// List names that cursors are bound to.
const OWN: &str = "me/security-events";
const ALL: &str = "admin/security-events";
const ALERTS: &str = "admin/alerts";

/// Lists the security events of the caller's account, newest first.
pub async fn own(
    caller: Caller,
    QueryFields(query): QueryFields<HistoryQuery>,
    events: Data<EventStore>,
    cursors: Data<Cursors>,
) -> ApiResult<HttpResponse> {
    let before = cursors.page_start(caller.user(), OWN, "", query.cursor.as_deref())?;
    let rows = events.own(&caller, before, query.limit).await?;
    let page = Page::from_rows(rows, query.limit, |last| cursors.encode(caller.user(), OWN, "", &last.position()))?;
    Ok(ok(&HistoryPage::of(page, &caller)))
}

/// Lists the events of all users, newest first.
pub async fn all(
    admin: AdminCaller,
    QueryFields(query): QueryFields<EventQuery>,
    events: Data<EventStore>,
    cursors: Data<Cursors>,
) -> ApiResult<HttpResponse> {
    let filter = query.filter();
    let text = filter.text();
    let before = cursors.page_start(admin.user(), ALL, &text, query.cursor.as_deref())?;
    let rows = events.all(&admin, &filter, before, query.limit).await?;
    Event::new(EventKind::AdminEventsRead).reason("events").record();
    let page = Page::from_rows(rows, query.limit, |last| cursors.encode(admin.user(), ALL, &text, &last.position()))?;
    Ok(ok(&EventPage::from(page)))
}

/// Lists alerts, newest first.
pub async fn alerts(
    admin: AdminCaller,
    QueryFields(query): QueryFields<AlertQuery>,
    alerts: Data<Alerts>,
    cursors: Data<Cursors>,
) -> ApiResult<HttpResponse> {
    let text = format!("{:?}", query.state);
    let before = cursors.page_start(admin.user(), ALERTS, &text, query.cursor.as_deref())?;
    let rows = alerts.list(&admin, query.state.map(Into::into), before, query.limit).await?;
    Event::new(EventKind::AdminEventsRead).reason("alerts").record();
    let page = Page::from_rows(rows, query.limit, |last| cursors.encode(admin.user(), ALERTS, &text, &position(last)))?;
    Ok(ok(&AlertPage::from(page)))
}
