//! The client's address behind proxies: forged `X-Forwarded-For` headers (CWE-290, CWE-348, API8:2023).
//!
//! **Attack**: a client writes an address into `X-Forwarded-For` to escape rate limits or to blame another client.
//! **Control**: each proxy appends the address of its client to the right end of the header's list.
//! So the service reads the list from the right. The first address that is not a trusted proxy is the client's address.
//! Limits, logs and events use only [`ClientAddr`].
//! The header `Forwarded` (RFC 7239) is never read, because a proxy may forward this header unchanged from its client.
//! actix's `realip_remote_addr()` is not used, because it reads the left end of the list, which the client wrote.
//! **Limits**: if a trusted proxy does not append the address of its client, the client can choose its own address.
//! **ASVS**: 4.1.3, 15.3.4 · **Test**: `attacks::limits::rate_limits`, `attacks::communication::forwarded`

use std::fmt;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use ipnet::{Ipv4Net, Ipv6Net};

use super::error::{ApiError, ApiResult};
use super::signature::Describe;
use crate::config::Network;

/// Maximum number of entries of `X-Forwarded-For` that are read.
const MAX_HOPS: usize = 32;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies whose `X-Forwarded-For` the service trusts.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub Vec<Network>);

impl TrustedProxies {
    /// Returns whether the address is a trusted proxy.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// The client's address. An IPv4-mapped IPv6 address is stored as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddr(IpAddr);

impl ClientAddr {
    /// Returns the address of the request's client. The first call stores the address in the request.
    #[must_use]
    pub fn of(request: &ServiceRequest) -> Self {
        if let Some(known) = request.extensions().get::<Self>() {
            return *known;
        }
        let none = TrustedProxies::default();
        let trusted = request.app_data::<web::Data<TrustedProxies>>().map_or(&none, |trusted| trusted.get_ref());
        let peer = peer(request).unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let address = Self::resolve(peer, request.headers(), trusted);
        request.extensions_mut().insert(address);
        address
    }

    /// Returns the first address from the right in `X-Forwarded-For` that is not a trusted proxy.
    #[must_use]
    pub fn resolve(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        let mut address = peer.to_canonical();
        let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).map(|line| line.to_str().unwrap_or("?")).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        for hop in hops.take(MAX_HOPS) {
            if !trusted.contain(address) {
                break;
            }
            match parse_hop(hop.trim()) {
                Some(previous) => address = previous,
                // The entries to the left of a malformed entry are unreliable too.
                None => break,
            }
        }
        Self(address)
    }

    /// Returns the [`prefix`] of the client's address, by which all limits per address count.
    #[must_use]
    pub fn prefix(self) -> IpAddr {
        prefix(self.0)
    }

    /// Returns the network of a typical customer of a provider: a /24 of IPv4, a /48 of IPv6.
    /// Many users can share a network with an attacker, so a limit per network must not lock them out.
    #[must_use]
    pub fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(address) => Ipv4Net::new_assert(address, 24).network().into(),
            IpAddr::V6(address) => Ipv6Net::new_assert(address, 48).network().into(),
        }
    }
}

/// Returns the [`prefix`] of an address in text form.
#[must_use]
pub fn prefix_of(address: &str) -> Option<IpAddr> {
    address.parse().ok().map(|address| ClientAddr(address).prefix())
}

impl Describe for ClientAddr {}

/// Extracts the address that [`ClientAddr::of`] has stored in the request.
impl FromRequest for ClientAddr {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let known = request.extensions().get::<Self>().copied();
        ready(known.ok_or_else(|| ApiError::internal("the client address was not resolved")))
    }
}

impl fmt::Display for ClientAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns the prefix that identifies one internet connection: a single IPv4 address, or a /56 network of IPv6.
#[must_use]
pub fn prefix(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Net::new_assert(address, 56).network().into(),
    }
}

/// Returns the address of the TCP peer, or `None` if the connection was reset.
#[allow(clippy::disallowed_methods, reason = "only this function reads the address of the peer")]
pub fn peer(request: &ServiceRequest) -> Option<IpAddr> {
    request.peer_addr().map(|peer| peer.ip().to_canonical())
}

/// Parses `1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:5678`.
/// A zone id (`fe80::1%eth0`) is refused, because it has a meaning on one machine only.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse::<IpAddr>()
        .ok()
        .or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn resolve(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HeaderName::from_static(FORWARDED_FOR), HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let trusted = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/16".parse().unwrap()]);
        ClientAddr::resolve(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn header_of_an_untrusted_peer_is_ignored() {
        assert_eq!(resolve("203.0.113.9", &["1.1.1.1"]), "203.0.113.9");
    }

    #[test]
    fn right_most_untrusted_hop_is_the_client() {
        assert_eq!(resolve("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.2.3.4"]), "198.51.100.7");
        assert_eq!(resolve("10.0.0.1", &["6.6.6.6", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(resolve("::ffff:10.0.0.1", &["::ffff:198.51.100.7"]), "198.51.100.7");
        assert_eq!(resolve("fd00::1", &["[2001:db8::1]:443"]), "2001:db8::1");
    }

    #[test]
    fn malformed_entry_ends_the_walk_at_the_last_valid_hop() {
        assert_eq!(resolve("10.0.0.1", &["198.51.100.7, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(resolve("10.0.0.1", &["198.51.100.7, "]), "10.0.0.1");
        assert_eq!(resolve("10.0.0.1", &["fe80::1%eth0"]), "10.0.0.1");
        assert_eq!(resolve("10.0.0.1", &["\u{e9}"]), "10.0.0.1");
        let long = vec!["10.0.0.3"; 40].join(",");
        assert_eq!(resolve("10.0.0.1", &[&format!("198.51.100.7,{long}")]), "10.0.0.3");
    }

    #[test]
    fn ipv6_prefix_has_56_bits() {
        let of = |text: &str| ClientAddr(text.parse().unwrap()).prefix();
        assert_eq!(of("2001:db8:0:100::1"), of("2001:db8:0:1ff:ffff::2"));
        assert_ne!(of("2001:db8:0:100::1"), of("2001:db8:0:200::1"));
    }

    #[test]
    fn network_has_24_bits_of_ipv4_or_48_of_ipv6() {
        let of = |text: &str| ClientAddr(text.parse().unwrap()).network();
        assert_eq!(of("2001:db8:0:100::1"), of("2001:db8:0:ff00::2"));
        assert_ne!(of("2001:db8:0::1"), of("2001:db8:1::1"));
        assert_eq!(of("203.0.113.9"), of("203.0.113.200"));
        assert_ne!(of("203.0.113.9"), of("203.0.114.9"));
    }
}
