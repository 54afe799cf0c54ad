//! Web origins (RFC 6454), in the form that browsers send. Origins are compared byte by byte, so settings must use this form.

use std::net::IpAddr;

use url::Url;

use super::Profile;

/// Describes the form, for faults.
pub(super) const EXPECTED: &str = "https://app.example: in lower case, without a path, a trailing slash, :443 or user:password@, and not * or null (plain http only in development on loopback)";

/// Returns whether a text is an origin in the form of browsers, with TLS. Development may also use plain HTTP on loopback.
pub(super) fn is_origin(text: &str, profile: Profile) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_secure = match url.scheme() {
        "https" => true,
        "http" => profile == Profile::Development && url.host_str().is_some_and(is_loopback),
        _ => false,
    };
    // URL parsers accept `https://*` as a host.
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-[]:".contains(c);
    is_secure
        && url.host_str().is_some_and(|host| host.chars().all(plain))
        && url.origin().ascii_serialization() == text
}

/// Returns whether a host is `localhost` or a loopback address. `localhost.evil.example` is neither.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
