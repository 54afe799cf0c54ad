use actix_web::HttpResponse;
use actix_web::web::Data;
use chrono::{SecondsFormat, TimeDelta};

use super::problems;
use crate::base::clock::Clock;
use crate::http::error::{ApiError, ApiResult};
use crate::http::file_reply::{File, Html, JsonFile, PlainText};
use crate::http::problem::ProblemBase;
use crate::http::reply::SeeOther;
use crate::security::browser::headers;
use crate::security::sessions::access_tokens::AccessTokens;

/// The URI for vulnerability reports.
pub struct SecurityContact(pub String);

/// The `type` of every problem document links to this page (`/problems#code`).
pub async fn problems() -> File<Html> {
    headers::page(problems::PAGE.as_str())
}

/// The contact for vulnerability reports (`security.txt`, RFC 9116). Each response is valid for 180 days.
pub async fn security_txt(
    clock: Data<Clock>,
    base: Data<ProblemBase>,
    contact: Data<SecurityContact>,
) -> File<PlainText> {
    let (base, contact) = (&base.0, &contact.0);
    let expires = (clock.now() + TimeDelta::days(180)).to_rfc3339_opts(SecondsFormat::Secs, true);
    File::new(format!(
        "Contact: {contact}\n\
         Expires: {expires}\n\
         Preferred-Languages: en\n\
         Canonical: {base}/.well-known/security.txt\n"
    ))
}

/// Redirects password managers to the page that changes the password
/// (<https://w3c.github.io/webappsec-change-password-url/>).
pub async fn password_page() -> SeeOther {
    SeeOther("/reset")
}

/// Returns the public keys of access tokens (JWKS, RFC 7517), or 404 if tokens are signed with a shared secret.
pub async fn jwks(tokens: Data<AccessTokens>) -> ApiResult<File<JsonFile>> {
    let keys = tokens.jwks().ok_or(ApiError::NotFound)?;
    Ok(File::of(HttpResponse::Ok().json(keys)))
}
