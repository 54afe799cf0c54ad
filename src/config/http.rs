//! `STRONGROOM_HTTP_…`: the plain listener, the public URL, the proxies in front.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use super::Profile;
use super::environment::Reader;

/// The plain listener and what stands in front of it.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    pub bind: SocketAddr,
    /// Without a slash at its end.
    pub public_url: String,
    pub trusted_proxies: Vec<Network>,
    pub tls_terminated_by_proxy: bool,
    pub workers: usize,
    pub shutdown_grace: Duration,
}

impl HttpSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let bind = bind(reader, "STRONGROOM_HTTP_BIND", profile);
        let trusted_proxies = networks(reader, "STRONGROOM_HTTP_TRUSTED_PROXIES");
        let tls_terminated_by_proxy = reader.parsed("STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY", "true or false", false);
        if tls_terminated_by_proxy && trusted_proxies.is_empty() {
            reader.fault(
                "STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY",
                "needs STRONGROOM_HTTP_TRUSTED_PROXIES: which proxy?",
            );
        }
        let public_url = reader.text("STRONGROOM_HTTP_PUBLIC_URL");
        if !is_origin(&public_url, profile == Profile::Development) {
            let problem = "is not an origin: https://host, without a path or a slash at its end (plain http only for development on loopback)";
            reader.fault("STRONGROOM_HTTP_PUBLIC_URL", problem);
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = match reader.given("STRONGROOM_HTTP_WORKERS") {
            Some(_) => usize::try_from(reader.number("STRONGROOM_HTTP_WORKERS", 1, 256)).unwrap_or(cores),
            None => cores,
        };
        Self {
            bind,
            public_url,
            trusted_proxies,
            tls_terminated_by_proxy,
            workers,
            shutdown_grace: Duration::from_secs(reader.number("STRONGROOM_HTTP_SHUTDOWN_SECONDS", 1, 300)),
        }
    }
}

/// An address to listen on; in development loopback and nothing else.
pub(super) fn bind(reader: &mut Reader<'_>, name: &str, profile: Profile) -> SocketAddr {
    let nowhere = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
    let bind = reader.parsed(name, "an address with a port (127.0.0.1:8080)", nowhere);
    if profile == Profile::Development && !bind.ip().is_loopback() {
        reader
            .fault(name, "is not on loopback: development listens there only (STRONGROOM_PROFILE=production for more)");
    }
    bind
}

/// `scheme://host[:port]` and nothing else, in the spelling that browsers send.
pub(super) fn is_origin(text: &str, plain_loopback: bool) -> bool {
    let (plain, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return false,
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && !port.ends_with(']') => {
            (host, port.parse::<u16>().is_ok_and(|port| port > 0))
        }
        _ => (rest, true),
    };
    let literal = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
    let name =
        !host.is_empty() && host.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c));
    let loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    port && (literal || name) && (!plain || (plain_loopback && loopback))
}

fn networks(reader: &mut Reader<'_>, name: &str) -> Vec<Network> {
    let mut networks = Vec::new();
    for text in reader.text(name).split(',').map(str::trim).filter(|text| !text.is_empty()) {
        match text.parse::<Network>() {
            Ok(network) if network.is_too_wide() => reader.fault(name, format!("trusts too much of the world: {text}")),
            Ok(network) => networks.push(network),
            Err(BadNetwork) => {
                reader.fault(name, format!("holds what is no address and no network: {}", text.escape_debug()))
            }
        }
    }
    networks
}

/// An address, or a network as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// No address and no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadNetwork;

impl Network {
    /// Whether the address lies in it. IPv4 in IPv6 is IPv4.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                (network.to_bits() ^ address.to_bits()).checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                (network.to_bits() ^ address.to_bits()).checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    fn is_too_wide(self) -> bool {
        self.prefix < if self.address.is_ipv4() { 8 } else { 16 }
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().map_err(|_| BadNetwork)?.to_canonical();
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), |prefix| prefix.parse().map_err(|_| BadNetwork))?;
        (prefix <= most).then_some(Self { address, prefix }).ok_or(BadNetwork)
    }
}
