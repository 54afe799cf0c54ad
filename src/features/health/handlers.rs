//! Liveness and readiness. The responses have no body.

use actix_web::web::Data;

use super::Readiness;
use crate::http::error::ApiResult;
use crate::http::reply::NoContent;

/// Liveness: the process answers. It does not query the database, because a restart does not repair a lost database.
pub async fn live() -> NoContent {
    NoContent
}

/// Readiness: the database answers and has every migration of this build. Otherwise 503.
pub async fn ready(readiness: Data<Readiness>) -> ApiResult<NoContent> {
    readiness.check().await?;
    Ok(NoContent)
}
