//! Whose address a request comes from (ASVS 4.1.3, 15.3.4). One type; limits, logs and events use nothing else.
//!
//! `X-Forwarded-For` is a list that everybody on the way may extend and the client may begin. Only its right end was
//! written by somebody we know: we walk from the right, over listed proxies, and stop at the first address that is none.
//! `Forwarded` (RFC 7239) is not read, from any peer: a proxy that extends one of the two headers passes the other one on as the
//! client wrote it (`docs/decisions.md`).
//! actix's own `realip_remote_addr()` takes the left end, which is whatever the client typed.

use std::fmt;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use super::error::{ApiError, ApiResult};
use crate::config::Network;

/// A longer list is a lie or an accident; the rest is not read.
const MOST_HOPS: usize = 32;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies whose word counts.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub Vec<Network>);

impl TrustedProxies {
    /// Whether this address is a listed proxy.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// The client's address, IPv4 in IPv6 folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddr(IpAddr);

impl ClientAddr {
    /// The address of this request's client. Worked out once a request.
    #[must_use]
    pub fn of(request: &ServiceRequest) -> Self {
        if let Some(known) = request.extensions().get::<Self>() {
            return *known;
        }
        let nobody = TrustedProxies::default();
        let trusted = request.app_data::<web::Data<TrustedProxies>>().map_or(&nobody, |trusted| trusted.get_ref());
        let peer = peer(request).unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let address = Self::resolve(peer, request.headers(), trusted);
        request.extensions_mut().insert(address);
        address
    }

    /// The rule itself.
    #[must_use]
    pub fn resolve(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        let mut address = peer.to_canonical();
        let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).map(|line| line.to_str().unwrap_or("?")).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        for hop in hops.take(MOST_HOPS) {
            if !trusted.contain(address) {
                break;
            }
            match parse_hop(hop.trim()) {
                Some(previous) => address = previous,
                // Garbage: what is left of it cannot be believed either.
                None => break,
            }
        }
        Self(address)
    }

    /// The bucket of a limit: see [`prefix`].
    #[must_use]
    pub fn prefix(self) -> IpAddr {
        prefix(self.0)
    }

    /// What one tenant can rent by the block: a /24 of IPv4, a /48 of IPv6. Its addresses are not one person, so whoever counts
    /// by it must leave alone those that did nothing.
    #[must_use]
    pub fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8))),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 80))),
        }
    }
}

/// The bucket of an address that was written down.
#[must_use]
pub fn prefix_of(address: &str) -> Option<IpAddr> {
    address.parse().ok().map(|address| ClientAddr(address).prefix())
}

/// What [`ClientAddr::of`] found before the handler ran.
impl FromRequest for ClientAddr {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let known = request.extensions().get::<Self>().copied();
        ready(known.ok_or_else(|| ApiError::internal("the client's address is not known")))
    }
}

impl fmt::Display for ClientAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What one client has at their disposal: an IPv4 address, or the /56 of an IPv6 subscriber.
#[must_use]
pub fn prefix(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 72))),
    }
}

/// Who is at the other end of the connection itself. `None`: it was reset before its address could be read.
#[allow(clippy::disallowed_methods, reason = "the one reader of the peer's address")]
pub fn peer(request: &ServiceRequest) -> Option<IpAddr> {
    request.peer_addr().map(|peer| peer.ip().to_canonical())
}

/// `1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5678`. A zone is garbage: it names a link of ours.
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
    fn an_unlisted_peer_is_the_client_whatever_it_says() {
        assert_eq!(resolve("203.0.113.9", &["1.1.1.1"]), "203.0.113.9");
    }

    #[test]
    fn the_right_most_unlisted_hop_is_the_client() {
        assert_eq!(resolve("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.2.3.4"]), "198.51.100.7");
        assert_eq!(resolve("10.0.0.1", &["6.6.6.6", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(resolve("::ffff:10.0.0.1", &["::ffff:198.51.100.7"]), "198.51.100.7");
        assert_eq!(resolve("fd00::1", &["[2001:db8::1]:443"]), "2001:db8::1");
    }

    #[test]
    fn garbage_stops_the_walk_at_the_last_good_hop() {
        assert_eq!(resolve("10.0.0.1", &["198.51.100.7, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(resolve("10.0.0.1", &["198.51.100.7, "]), "10.0.0.1");
        assert_eq!(resolve("10.0.0.1", &["fe80::1%eth0"]), "10.0.0.1");
        assert_eq!(resolve("10.0.0.1", &["\u{e9}"]), "10.0.0.1");
        let long = vec!["10.0.0.3"; 40].join(",");
        assert_eq!(resolve("10.0.0.1", &[&format!("198.51.100.7,{long}")]), "10.0.0.3");
    }

    #[test]
    fn one_subscriber_of_ipv6_is_one_bucket() {
        let of = |text: &str| ClientAddr(text.parse().unwrap()).prefix();
        assert_eq!(of("2001:db8:0:100::1"), of("2001:db8:0:1ff:ffff::2"));
        assert_ne!(of("2001:db8:0:100::1"), of("2001:db8:0:200::1"));
    }

    #[test]
    fn a_network_is_what_one_tenant_can_rent() {
        let of = |text: &str| ClientAddr(text.parse().unwrap()).network();
        assert_eq!(of("2001:db8:0:100::1"), of("2001:db8:0:ff00::2"));
        assert_ne!(of("2001:db8:0::1"), of("2001:db8:1::1"));
        assert_eq!(of("203.0.113.9"), of("203.0.113.200"));
        assert_ne!(of("203.0.113.9"), of("203.0.114.9"));
    }
}
