//! Reads by administrators are recorded as security events.

use actix_web::web::Data;

use super::store::SummaryStore;
use super::views::{SummaryQuery, SummaryView};
use crate::http::client_ip::ClientAddr;
use crate::http::error::ApiResult;
use crate::http::params::QueryFields;
use crate::http::reply::Json;
use crate::security::authorization::administrators::{AdminCaller, Administrators};

pub async fn summary(
    admin: AdminCaller,
    address: ClientAddr,
    QueryFields(query): QueryFields<SummaryQuery>,
    summaries: Data<SummaryStore>,
    administrators: Data<Administrators>,
) -> ApiResult<Json<SummaryView>> {
    let summary = summaries.summary(&admin, query.period.unwrap_or_default()).await?;
    administrators.record_read(&admin, address, "summary").await;
    Ok(Json(summary.into()))
}
