//! The cookie of the refresh token: its value with a MAC, its attributes, and how the service reads it from a request.

use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderValue, InvalidHeaderValue};
use actix_web::{CustomizeResponder, Responder};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use crate::base::id::UserId;
use crate::http::cookies::{all, single};
use crate::http::reply::NoContent;
use crate::security::crypto::keys::{Keys, Purpose, Tag};
use crate::security::crypto::secret_tokens::SecretToken;

/// The name of the cookie. Browsers reject a `__Host-` cookie that is not `Secure`, has a `Domain`, or has a path other
/// than `/`. So a sub-domain or a plain HTTP page cannot set this cookie (RFC 6265bis, ASVS 3.3.3).
pub const COOKIE: &str = "__Host-refresh";

/// Returns the value of the cookie: the token, the user's id, and a MAC over both, separated by dots.
#[must_use]
pub fn encode(keys: &Keys, token: &SecretToken, user: UserId) -> SecretString {
    let tag = keys.sign(Purpose::RefreshCookie, &[token.bytes(), user.uuid().as_bytes()]);
    format!("{}.{user}.{}", token.to_wire().expose_secret(), URL_SAFE_NO_PAD.encode(tag.to_bytes())).into()
}

fn decode(keys: &Keys, value: &str) -> Option<(SecretToken, UserId)> {
    let (token, rest) = value.split_once('.')?;
    let (user, tag) = rest.split_once('.')?;
    let (token, user) = (SecretToken::parse(token)?, user.parse::<UserId>().ok()?);
    let mut theirs = [0; Tag::LENGTH];
    // The decoder rejects longer values, and this check rejects shorter ones.
    if URL_SAFE_NO_PAD.decode_slice(tag, &mut theirs).ok()? != theirs.len() {
        return None;
    }
    let theirs = Tag::from_bytes(&theirs)?;
    keys.verify(Purpose::RefreshCookie, &[token.bytes(), user.uuid().as_bytes()], &theirs).then_some((token, user))
}

/// Returns the `Set-Cookie` header. Its value is marked as sensitive, so that it does not appear in `Debug` output.
///
/// # Errors
/// [`InvalidHeaderValue`] never occurs in practice: all characters of the cookie are allowed in a header.
pub fn set(cookie: &SecretString, lifetime: Duration) -> Result<HeaderValue, InvalidHeaderValue> {
    let (value, seconds) = (cookie.expose_secret(), lifetime.as_secs());
    let text = format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    let mut value = HeaderValue::from_str(&text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns the `Set-Cookie` header that deletes the cookie.
/// The header has all attributes of the cookie, because browsers ignore a `__Host-` cookie that is not `Secure`.
#[must_use]
pub fn clear() -> HeaderValue {
    HeaderValue::from_static("__Host-refresh=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")
}

/// Returns 204 with the headers that delete the data of this session in the browser (ASVS 14.3.1).
/// The value `"cookies"` of `Clear-Site-Data` is not used, because it would also delete the cookie of `device_cookies`.
#[must_use]
pub fn clear_browser_data() -> CustomizeResponder<NoContent> {
    NoContent
        .customize()
        .append_header((header::SET_COOKIE, clear()))
        .insert_header(("clear-site-data", "\"cache\", \"storage\""))
}

/// Returns all valid refresh tokens in the cookies of a plain HTTP request, which exposed all of them.
pub fn exposed_tokens(keys: &Keys, headers: &HeaderMap) -> impl Iterator<Item = SecretToken> {
    all(COOKIE, headers).filter_map(|value| decode(keys, value)).map(|(token, _)| token)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieFault {
    /// The cookie is missing or was sent twice. One of two cookies may be an attacker's (session fixation), so both are
    /// ignored.
    Missing,
    Forged,
}

impl CookieFault {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "no_refresh_token",
            Self::Forged => "forged_refresh_token",
        }
    }
}

/// Returns the token and the user in the refresh cookie.
/// Only the MAC is verified: the token may already be used, expired or revoked.
///
/// # Errors
/// [`CookieFault`] is only for the log. The client gets the same error for every fault.
pub fn read(keys: &Keys, headers: &HeaderMap) -> Result<(SecretToken, UserId), CookieFault> {
    decode(keys, single(COOKIE, headers).ok_or(CookieFault::Missing)?).ok_or(CookieFault::Forged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for line in lines {
            map.append(header::COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        map
    }

    #[test]
    fn refresh_cookie_is_host_only_http_only_and_strict() {
        let cookie = SecretString::from("value");
        let value = set(&cookie, Duration::from_secs(60)).unwrap();
        assert_eq!(
            value.to_str().unwrap(),
            "__Host-refresh=value; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict"
        );
        assert_eq!(format!("{value:?}"), "Sensitive");
        assert!(clear().to_str().unwrap().starts_with(&format!("{COOKIE}=;")));
    }

    #[test]
    fn duplicate_or_misnamed_refresh_cookie_is_ignored() {
        let (keys, token) = (Keys::new(&vec![5; 32].into()).unwrap(), SecretToken::random().unwrap());
        let user = UserId::new();
        let cookie = encode(&keys, &token, user);
        let wire = cookie.expose_secret();
        let ours = format!("{COOKIE}={wire}");
        let tokens = |lines: &[&str]| read(&keys, &headers(lines)).ok().map(|(token, user)| (token.hash(), user));
        assert_eq!(tokens(&[&ours]), Some((token.hash(), user)));
        assert_eq!(tokens(&[&format!("a=b; {ours}; c=d")]), Some((token.hash(), user)));
        assert_eq!(tokens(&["a=b", &ours]), Some((token.hash(), user)));
        for lines in
            [vec![], vec![""], vec!["a=b"], vec![COOKIE], vec!["__Host-refresh="], vec!["__Host-refresh=short"]]
        {
            assert_eq!(tokens(&lines), None, "{lines:?}");
        }
        for (twin, why) in [
            (format!("{ours}; {ours}"), "twice"),
            (format!("{ours}; {COOKIE}=planted"), "a second one"),
            (format!("{COOKIE}; {ours}"), "one without a value"),
            (format!("{COOKIE} =x; {ours}"), "a space in the name"),
            (format!("{COOKIE}=\"{wire}\""), "quoted"),
            (format!("__host-refresh={wire}"), "another name"),
            (format!("refresh={wire}"), "no prefix"),
            (format!("{ours}; é=1"), "not ASCII"),
        ] {
            assert_eq!(tokens(&[&twin]), None, "{why}");
        }
        assert_eq!(tokens(&[&ours, &ours]), None, "on two lines");
    }

    #[test]
    fn refresh_cookie_with_wrong_mac_is_forged() {
        let (keys, token) = (Keys::new(&vec![5; 32].into()).unwrap(), SecretToken::random().unwrap());
        let (user, other_user) = (UserId::new(), UserId::new());
        let ours = encode(&keys, &token, user);
        let (left, mac) = ours.expose_secret().rsplit_once('.').unwrap();
        let wire = token.to_wire();
        let wire = wire.expose_secret();
        let other_key = encode(&Keys::new(&vec![6; 32].into()).unwrap(), &token, user);
        let other = encode(&keys, &SecretToken::random().unwrap(), user);
        let (other_left, other_mac) = other.expose_secret().rsplit_once('.').unwrap();
        for forged in [
            left.to_owned(),
            format!("{left}."),
            format!("{left}.{}", &mac[1..]),
            format!("{left}.{mac}A"),
            format!("{left}.{mac}.{mac}"),
            format!("{left}.{other_mac}"),
            format!("{other_left}.{mac}"),
            format!("{wire}.{mac}"),
            format!("{wire}.{other_user}.{mac}"),
            format!("{left}.{}", "A".repeat(43)),
            other_key.expose_secret().to_owned(),
        ] {
            let headers = headers(&[&format!("{COOKIE}={forged}")]);
            assert_eq!(read(&keys, &headers).err(), Some(CookieFault::Forged), "{forged}");
        }
        assert_eq!(read(&keys, &headers(&[])).err(), Some(CookieFault::Missing));
    }
}
