use actix_web::web::Data;

use super::Readiness;
use crate::http::error::ApiResult;
use crate::http::reply::NoContent;

/// Does not query the database: if this probe fails, the process is restarted, which cannot repair the database.
pub async fn live() -> NoContent {
    NoContent
}

/// Returns 503 unless the database replies and has every migration of this build.
pub async fn ready(readiness: Data<Readiness>) -> ApiResult<NoContent> {
    readiness.check().await?;
    Ok(NoContent)
}
