//! Two answers without a body.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::Readiness;
use crate::http::error::ApiResult;
use crate::http::reply;

/// The process runs and answers. Asks nothing of the database: a process is not cured of a lost database by a restart.
pub async fn live() -> HttpResponse {
    reply::no_content()
}

/// Requests can be served: the database answers and has every migration that this build needs. 503 otherwise.
pub async fn ready(readiness: Data<Readiness>) -> ApiResult<HttpResponse> {
    readiness.check().await?;
    Ok(reply::no_content())
}
