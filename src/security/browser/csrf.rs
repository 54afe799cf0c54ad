//! Protection against cross-site request forgery (CSRF) on cookie routes (CWE-352, API8:2023).
//!
//! **Attack**: a page of another site makes the victim's browser send a request.
//! The browser adds the victim's cookie to this request.
//! **Control**: cookies are `SameSite=Strict`, so a browser does not add them to requests that pages of other sites
//! make. In addition, the request must have a listed `Origin` and a custom header.
//! An HTML form cannot set a custom header. A script of another origin needs a CORS preflight, which is refused.
//! **Limits**: a script that an attacker injects into a listed origin (XSS) passes both checks.
//! **ASVS**: 3.3.2, 3.5.1 · **Test**: `attacks::browser::csrf`

use actix_web::http::header::HeaderMap;

use crate::http::error::{ApiError, ApiResult};
use crate::security::browser::AllowedOrigins;

/// The name of the custom header. Any value is accepted, because an HTML form cannot set custom headers.
pub const CSRF_HEADER: &str = "x-strongroom-csrf";

/// Checks that a request with a cookie was sent by a page of a listed origin.
///
/// # Errors
/// [`ApiError::CrossSiteRequest`] if the `Origin` is not listed, or if the custom header is missing.
pub fn check(headers: &HeaderMap, origins: &AllowedOrigins) -> ApiResult<()> {
    let is_own_page = headers.contains_key(CSRF_HEADER) && origins.allow(headers);
    is_own_page.then_some(()).ok_or(ApiError::CrossSiteRequest)
}
