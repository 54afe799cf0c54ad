//! Protection against cross-site request forgery (CSRF) on cookie routes (CWE-352, API8:2023).
//!
//! **Attack**: a page of another site makes the victim's browser send a request with the victim's cookie.
//! **Control**: cookies are `SameSite=Strict`. In addition, the request must have a listed `Origin` and a custom
//! header. An HTML form cannot send this header, and a script of another origin can send it only after a preflight,
//! which CORS refuses.
//! **Limits**: a script that an attacker runs on a listed origin (XSS) passes both checks.
//! **ASVS**: 3.3.2, 3.5.1 · **Test**: `attacks::browser::csrf`

use actix_web::http::header::HeaderMap;

use crate::http::error::{ApiError, ApiResult};
use crate::security::browser::AllowedOrigins;

/// The name of the custom header. Its value does not matter, because an HTML form cannot set any custom header.
pub const CSRF_HEADER: &str = "x-strongroom-csrf";

/// Checks a request that is authenticated by a cookie.
///
/// # Errors
/// [`ApiError::CrossSiteRequest`] if the `Origin` is not listed or the custom header is missing.
pub fn check(headers: &HeaderMap, origins: &AllowedOrigins) -> ApiResult<()> {
    let is_own_page = headers.contains_key(CSRF_HEADER) && origins.allow(headers);
    is_own_page.then_some(()).ok_or(ApiError::CrossSiteRequest)
}
