//! Short documents, each for everybody.

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::Data;
use chrono::{SecondsFormat, TimeDelta};

use crate::base::clock::Clock;
use crate::http::error::{ApiError, ApiResult};
use crate::http::problem::ProblemBase;
use crate::http::reply;
use crate::security::access_tokens::AccessTokens;

/// Where the `type` of every problem document points: `/problems#code`.
const PROBLEMS: &str = include_str!("../../../docs/problems.md");

/// What each code means and what to do about it.
pub async fn problems() -> HttpResponse {
    HttpResponse::Ok().content_type("text/markdown; charset=utf-8").body(PROBLEMS)
}

/// Whom to tell of a hole (RFC 9116). It says until when it can be believed; since it is written anew each time, that is
/// half a year from now.
pub async fn security_txt(clock: Data<Clock>, base: Data<ProblemBase>) -> HttpResponse {
    let base = &base.0;
    let expires = (clock.now() + TimeDelta::days(180)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let host = host(base);
    HttpResponse::Ok().content_type(ContentType::plaintext()).body(format!(
        "Contact: mailto:security@{host}\n\
         Expires: {expires}\n\
         Preferred-Languages: en\n\
         Canonical: {base}/.well-known/security.txt\n"
    ))
}

/// The public keys with which others verify our access tokens. Not there while they are signed with a shared secret.
pub async fn jwks(tokens: Data<AccessTokens>) -> ApiResult<HttpResponse> {
    let keys = tokens.jwks().ok_or(ApiError::NotFound)?;
    Ok(reply::ok(&keys))
}

/// Of `https://host:port`, which the configuration has checked to be an origin.
fn host(origin: &str) -> &str {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_a_host() {
        assert_eq!(host("https://rooms.example"), "rooms.example");
        assert_eq!(host("http://localhost:8080"), "localhost");
        assert_eq!(host("http://[::1]:8080"), "[::1]");
        assert_eq!(host("http://[::1]"), "[::1]");
    }
}
