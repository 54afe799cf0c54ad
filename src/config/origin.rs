//! Web origins (RFC 6454), in the one spelling that browsers send: what is compared byte for byte must be written that way.

use std::net::IpAddr;

use url::Url;

use super::Profile;

/// What an origin looks like, for the faults.
pub(super) const EXPECTED: &str = "https://app.example: in lower case, without a path, a slash at its end, :443 or user:password@, and never * or null (plain http in development only, on loopback)";

/// Whether the text is an origin, spelt as a browser would, over TLS. Development may also use plain HTTP on loopback, which
/// nobody else can listen in on.
pub(super) fn is_origin(text: &str, profile: Profile) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let safe = match url.scheme() {
        "https" => true,
        "http" => profile == Profile::Development && url.host_str().is_some_and(is_loopback),
        _ => false,
    };
    // `https://*` is a host like any other to a URL parser.
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-[]:".contains(c);
    safe && url.host_str().is_some_and(|host| host.chars().all(plain)) && url.origin().ascii_serialization() == text
}

/// `localhost`, or an address of the loopback. `localhost.evil.example` is neither.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
