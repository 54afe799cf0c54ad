//! Reading a cookie that only we may have set.

use actix_web::http::header::{self, HeaderMap};

/// The value of exactly one cookie of this name, over all `Cookie` lines. With two of them somebody else wrote one, and a proxy
/// may choose another than we do: none is believed.
#[must_use]
pub fn the_only<'a>(name: &'a str, headers: &'a HeaderMap) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE);
    if lines.clone().any(|line| line.to_str().is_err()) {
        return None;
    }
    let mut found = each(name, headers);
    found.next().filter(|_| found.next().is_none())
}

/// The values of all cookies of this name.
pub fn each<'a>(name: &'a str, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(move |pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.trim() == name).then(|| value.trim())
    })
}
