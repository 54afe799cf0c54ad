//! Web origins (RFC 6454). The service compares origins byte by byte, so a setting must spell them as browsers do.

use std::net::IpAddr;

use url::Url;

use super::Profile;

pub(super) const EXPECTED: &str = "https://app.example: in lower case, without a path, a trailing slash, :443 or user:password@, and not * or null (plain http only in development on loopback)";

/// Returns whether a text is an https origin in the form that browsers send.
/// Development also accepts plain http on loopback.
pub(super) fn is_origin(text: &str, profile: Profile) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_secure = match url.scheme() {
        "https" => true,
        "http" => profile == Profile::Development && url.host_str().is_some_and(is_loopback),
        _ => false,
    };
    // Check the characters of the host, because the URL parser also accepts hosts such as `*`.
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-[]:".contains(c);
    is_secure
        && url.host_str().is_some_and(|host| host.chars().all(plain))
        && url.origin().ascii_serialization() == text
}

/// Returns whether a host is exactly `localhost` or a loopback address. `localhost.evil.example` is not accepted.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
