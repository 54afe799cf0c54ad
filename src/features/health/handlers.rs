//! The liveness and readiness probes. Their responses have no body.

use actix_web::web::Data;

use super::Readiness;
use crate::http::error::ApiResult;
use crate::http::reply::NoContent;

/// Liveness: replies while the process runs. If the probe fails, the orchestrator restarts the process.
/// The probe does not query the database, because such a restart cannot repair the database.
pub async fn live() -> NoContent {
    NoContent
}

/// Readiness: checks that the database replies and has every migration of this build. Otherwise the reply is 503.
pub async fn ready(readiness: Data<Readiness>) -> ApiResult<NoContent> {
    readiness.check().await?;
    Ok(NoContent)
}
