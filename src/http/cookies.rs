//! Reads cookies.

use actix_web::http::header::{self, HeaderMap};

/// Returns the cookie's value if the request has exactly one cookie of this name.
/// If there are two, an attacker may have set one of them (cookie tossing), so both are ignored.
#[must_use]
pub fn single<'a>(name: &'a str, headers: &'a HeaderMap) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE);
    if lines.clone().any(|line| line.to_str().is_err()) {
        return None;
    }
    let mut found = all(name, headers);
    found.next().filter(|_| found.next().is_none())
}

pub fn all<'a>(name: &'a str, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(move |pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.trim() == name).then(|| value.trim())
    })
}
