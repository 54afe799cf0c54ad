//! `STRONGROOM_HTTP_…`: the HTTP listener, the public URL and the trusted proxies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::Profile;
use super::origin::{EXPECTED, is_origin};
use super::reader::Reader;

#[derive(Clone, Debug)]
pub struct HttpSettings {
    pub bind: SocketAddr,
    /// The URL at which clients reach the service, without a trailing slash.
    pub public_url: String,
    /// The URI in `security.txt` for reports of vulnerabilities.
    pub security_contact: String,
    pub trusted_proxies: Vec<Network>,
    pub tls_terminated_by_proxy: bool,
    pub docs: bool,
    pub console: bool,
    pub attack_panel: bool,
    pub workers: usize,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    /// How long a connection may be idle between two requests.
    pub keep_alive: Duration,
    /// How long a request may run. Each chunk of an upload that arrives restarts this time.
    pub reply_timeout: Duration,
    /// The duration of the first shutdown phase. The service accepts connections, but the readiness check returns 503.
    pub drain: Duration,
    /// The maximum duration of the second shutdown phase, in which running requests finish.
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
                "needs STRONGROOM_HTTP_TRUSTED_PROXIES: set it to the proxy's address",
            );
        }
        let given = reader.optional("STRONGROOM_HTTP_PUBLIC_URL");
        match &given {
            None if profile == Profile::Production => {
                reader.fault(
                    "STRONGROOM_HTTP_PUBLIC_URL",
                    "is missing: set the URL that clients use, for example https://api.example",
                );
            }
            Some(url) if !is_origin(url, profile) => {
                reader.fault("STRONGROOM_HTTP_PUBLIC_URL", format!("is not of the form {EXPECTED}"));
            }
            _ => {}
        }
        let public_url = given.unwrap_or_else(|| served_at(bind));
        let security_contact = security_contact(reader, &public_url);
        let mut served = |name| match reader.optional(name) {
            Some(_) => reader.parsed(name, "true or false", false),
            None => profile == Profile::Development,
        };
        let (docs, console) = (served("STRONGROOM_HTTP_DOCS"), served("STRONGROOM_HTTP_CONSOLE"));
        let attack_panel = served("STRONGROOM_HTTP_ATTACK_PANEL") && console;
        let drain = if profile == Profile::Production { 5 } else { 0 };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            bind,
            public_url,
            security_contact,
            trusted_proxies,
            tls_terminated_by_proxy,
            docs,
            console,
            attack_panel,
            workers: reader.number_or("STRONGROOM_HTTP_WORKERS", 1, 256, cores),
            max_connections: count(reader, "STRONGROOM_HTTP_MAX_CONNECTIONS", 64),
            max_connections_per_address: count(reader, "STRONGROOM_HTTP_MAX_CONNECTIONS_PER_ADDRESS", 8),
            keep_alive: Duration::from_secs(reader.number("STRONGROOM_HTTP_KEEP_ALIVE_SECONDS", 1, 3_600)),
            reply_timeout: Duration::from_secs(reader.number("STRONGROOM_HTTP_REPLY_SECONDS", 1, 300)),
            drain: Duration::from_secs(reader.number_or("STRONGROOM_HTTP_DRAIN_SECONDS", 0, 300, drain) as u64),
            shutdown_grace: Duration::from_secs(reader.number("STRONGROOM_HTTP_SHUTDOWN_SECONDS", 1, 300)),
        }
    }
}

/// Reads the security contact, which must be a URI (RFC 9116) without a line break.
/// A line break would inject a line into `security.txt`.
fn security_contact(reader: &mut Reader<'_>, public_url: &str) -> String {
    const NAME: &str = "STRONGROOM_HTTP_SECURITY_CONTACT";
    let Some(contact) = reader.optional(NAME) else {
        let url = Url::parse(public_url).ok();
        return format!("mailto:security@{}", url.as_ref().and_then(Url::host_str).unwrap_or("localhost"));
    };
    let known = ["mailto:", "https://", "tel:"]
        .iter()
        .any(|scheme| contact.len() > scheme.len() && contact.starts_with(scheme));
    if !known || !contact.chars().all(|c| c.is_ascii_graphic()) || Url::parse(&contact).is_err() {
        reader.fault(
            NAME,
            "is not a URI such as mailto:security@example.com, https://example.com/report or tel:+1-201-555-0123",
        );
    }
    contact
}

/// Returns the origin of the HTTP listener. Port 0 means any free port, which is unknown here, so 8080 replaces it.
fn served_at(bind: SocketAddr) -> String {
    let port = if bind.port() == 0 { 8080 } else { bind.port() };
    let is_localhost = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].contains(&bind.ip());
    let host = if is_localhost { format!("localhost:{port}") } else { SocketAddr::new(bind.ip(), port).to_string() };
    let url = format!("http://{host}");
    Url::parse(&url).map_or(url, |url| url.origin().ascii_serialization())
}

fn count(reader: &mut Reader<'_>, name: &str, min: u64) -> usize {
    usize::try_from(reader.number(name, min, 1_000_000)).unwrap_or(usize::MAX)
}

/// Reads the address of a listener. In development, only loopback addresses are valid.
pub(super) fn bind(reader: &mut Reader<'_>, name: &str, profile: Profile) -> SocketAddr {
    let fallback = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
    let bind = reader.parsed(name, "an address with a port (127.0.0.1:8080)", fallback);
    if profile == Profile::Development && !bind.ip().is_loopback() {
        reader.fault(
            name,
            "is not on loopback: development listens only on loopback (use STRONGROOM_PROFILE=production)",
        );
    }
    bind
}

fn networks(reader: &mut Reader<'_>, name: &str) -> Vec<Network> {
    let mut networks = Vec::new();
    for (place, text) in reader.list(name) {
        match text.parse::<Network>() {
            Ok(network) => networks.push(network),
            Err(problem) => reader.fault(name, format!("has an entry (number {place}) that {problem}")),
        }
    }
    networks
}

/// An IP address, or a network such as `10.0.0.0/8`.
/// A very wide network is refused, because it would make many clients trusted proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNetwork {
    #[error("is neither an address nor a network: 10.0.0.7, 10.0.0.0/24, fd00::/64")]
    Malformed,
    #[error(
        "is wider than /8 (IPv4) or /16 (IPv6): every client in it could forge its address; list only your proxies"
    )]
    TooWide,
    #[error("has bits set beyond its prefix: write 10.0.0.7 or 10.0.0.0/24 in place of 10.0.0.7/24")]
    HostBits,
}

impl Network {
    /// Returns whether the network contains the address. An IPv4-mapped IPv6 address is treated as IPv4.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        let network: IpNet = text.parse().or_else(|_| address()).map_err(|_| BadNetwork::Malformed)?;
        let network = match (network, network.addr().to_canonical()) {
            // Convert an IPv4-mapped network to IPv4: ::ffff:10.0.0.0/104 is the same network as 10.0.0.0/8.
            (IpNet::V6(mapped), address @ IpAddr::V4(_)) => {
                let prefix = mapped.prefix_len().checked_sub(96).ok_or(BadNetwork::TooWide)?;
                IpNet::new(address, prefix).map_err(|_| BadNetwork::Malformed)?
            }
            _ => network,
        };
        if network.prefix_len() < if network.addr().is_ipv4() { 8 } else { 16 } {
            return Err(BadNetwork::TooWide);
        }
        if network.addr() != network.network() {
            return Err(BadNetwork::HostBits);
        }
        Ok(Self(network))
    }
}
