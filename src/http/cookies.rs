//! Reading a cookie that only we may have set.

use actix_web::http::header::{self, HeaderMap};

/// The value of exactly one cookie of this name, over all `Cookie` lines. With two of them somebody else wrote one, and a proxy
/// may choose another than we do: none is believed.
#[must_use]
pub fn the_only<'a>(name: &str, headers: &'a HeaderMap) -> Option<&'a str> {
    let mut found = None;
    for line in headers.get_all(header::COOKIE) {
        for pair in line.to_str().ok()?.split(';') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if key.trim() == name && found.replace(value.trim()).is_some() {
                return None;
            }
        }
    }
    found
}
