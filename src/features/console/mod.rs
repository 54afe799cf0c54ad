//! `/`: the web console, a single-page application that uses only the public API.
//!
//! Threats and controls:
//! - XSS (CWE-79): the page runs under the same Content Security Policy as the other pages.
//!   The policy forbids inline code, code of other origins, and HTML from strings (Trusted Types).
//!   Preact inserts all texts as text.
//! - Token theft: scripts store the access token in memory only.
//!   Scripts cannot read the refresh token (`assets/session.js`).
//!
//! The page and its files are compiled into the binary. The path of a file contains a version, the hash of all files.
//! So browsers may cache the files for a year, and a new page never runs with old files.

pub mod docs;

use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web::{Data, Path};
use aws_lc_rs::digest::{Context, SHA256};

use crate::base::hex::hex;
use crate::config::Profile;
use crate::http::cookies::all;
use crate::http::error::{ApiError, ApiResult};
use crate::http::file_reply::{Css, File, Html, JavaScript};
use crate::security::browser::headers;
use crate::security::sessions::refresh_tokens::cookie::COOKIE;

/// Each path returns the same page. The script of the page shows the view of the path.
pub const VIEWS: [&str; 11] = [
    "/",
    "/register",
    "/invoices",
    "/invoices/new",
    "/invoices/{invoice}",
    "/invoices/{invoice}/edit",
    "/customers",
    "/documents",
    "/account",
    "/admin",
    ATTACKS,
];

const ATTACKS: &str = "/attacks";

#[derive(Clone, Copy)]
pub struct AttackPanel(pub bool);

#[must_use]
pub fn serves(path: &str) -> bool {
    path.starts_with("/console/") || VIEWS.contains(&path)
}

#[must_use]
pub fn serves_attacks(path: &str) -> bool {
    path == ATTACKS || path.starts_with("/console/{version}/attacks/")
}

macro_rules! scripts {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!("assets/", $name)))),*] };
}

/// `preact.js` is the file `preact/standalone.module.js` of the npm package `htm` (`docs/dependencies.md`).
const SCRIPTS: &[(&str, &str)] = scripts! {
    "account.js" "admin_events.js" "admin_summary.js" "admin_users.js" "administration.js" "api.js" "app.js"
    "challenge.js" "charts.js" "customers.js" "documents.js" "editor.js" "format.js" "invoice.js" "invoices.js"
    "live.js" "mail_links.js" "preact.js" "router.js" "session.js" "sign_in.js" "ui.js"
    "attacks/attacks.js" "attacks/cards_authorization.js" "attacks/cards_browser.js" "attacks/cards_common.js"
    "attacks/cards_files.js" "attacks/cards_input.js" "attacks/cards_login.js" "attacks/cards_tokens.js" "attacks/play.js"
};

const STYLE: &str = concat!(include_str!("../palette.css"), include_str!("assets/style.css"));

/// The hash of all files.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Context::new(&SHA256);
    hash.update(STYLE.as_bytes());
    for (_, text) in SCRIPTS {
        hash.update(text.as_bytes());
    }
    hex(hash.finish().as_ref()).chars().take(16).collect()
});

/// The page contains the profile, because the sign-in view offers the demo users only in development.
pub async fn page(request: HttpRequest, profile: Data<Profile>, panel: Data<AttackPanel>) -> File<Html> {
    headers::page(html(**profile, panel.0, may_have_session(request.headers())))
}

/// `session` is false if the browser certainly has no refresh cookie (see `may_have_session`).
#[must_use]
pub fn html(profile: Profile, attack_panel: bool, session: bool) -> String {
    let profile = if profile == Profile::Development { "development" } else { "production" };
    let word = |on| if on { "on" } else { "off" };
    let page = include_str!("page.html").replace("VERSION", &VERSION).replace("PROFILE", profile);
    page.replace("PANEL", word(attack_panel)).replace("SESSION", word(session))
}

/// Returns whether the browser may have a refresh cookie, which scripts cannot see. Does not verify the cookie.
/// Without a cookie, the page requests no refresh, because each refused refresh is a security event.
/// If the user follows a link on another site, the browser does not send a `SameSite=Strict` cookie.
/// So the result is then true, although the request has no cookie.
fn may_have_session(headers: &HeaderMap) -> bool {
    let from_other_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    from_other_site || all(COOKIE, headers).next().is_some()
}

pub async fn style(version: Path<String>) -> ApiResult<File<Css>> {
    if *version != *VERSION {
        return Err(ApiError::NotFound);
    }
    Ok(headers::immutable(STYLE))
}

pub async fn script(path: Path<(String, String)>) -> ApiResult<File<JavaScript>> {
    let (version, file) = path.into_inner();
    find(&version, &file)
}

pub async fn attack_script(path: Path<(String, String)>) -> ApiResult<File<JavaScript>> {
    let (version, file) = path.into_inner();
    find(&version, &format!("attacks/{file}"))
}

fn find(version: &str, file: &str) -> ApiResult<File<JavaScript>> {
    let found = SCRIPTS.iter().find(|(name, _)| version == *VERSION && file == *name);
    let (_, text) = found.ok_or(ApiError::NotFound)?;
    Ok(headers::immutable(*text))
}
