//! Cookie routes answer our own pages only.
//!
//! **Attack**: another site makes the victim's browser send its cookie.
//! **Control**: `SameSite=Strict` first; then an `Origin` from
//! the list (absent is refused here) and a header of ours, which a form cannot send and a script of another origin may
//! send only after a preflight that CORS refuses.
//! **Limits**: a script that already runs on a listed origin.
//! **ASVS**: 3.3.2, 3.5.1 · **Test**: `attacks::browser::csrf`

use actix_web::dev::ServiceRequest;
use actix_web::web::Data;

use crate::http::error::{ApiError, ApiResult};
use crate::security::browser::AllowedOrigins;

/// Any value will do: what counts is that only a script can set it.
pub const CSRF_HEADER: &str = "x-strongroom-csrf";

/// Lets a request that lives on a cookie go on.
///
/// # Errors
/// [`ApiError::CrossSiteRequest`].
pub fn check(request: &ServiceRequest, origins: &Data<AllowedOrigins>) -> ApiResult<()> {
    let proved = request.headers().contains_key(CSRF_HEADER) && origins.admit(request.headers());
    proved.then_some(()).ok_or(ApiError::CrossSiteRequest)
}
