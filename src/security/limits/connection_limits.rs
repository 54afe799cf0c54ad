//! Connection limits: connection exhaustion and Slowloris (CWE-400, CWE-770, API4:2023).
//!
//! **Attack**: one client opens thousands of connections until the service accepts no other client.
//! On each connection, the client sends nothing, or half a request head, or reads the response byte by byte.
//! **Control**: connections are limited per address (IPv6: per /56) and in total.
//! The last quarter of the total is reserved for addresses with few connections.
//! A connection over a limit is accepted and immediately closed. If it stayed in the kernel's accept queue, it would
//! block connections of other addresses.
//! TLS handshakes have their own limits and a short timeout.
//! Request heads have a timeout too (`app/listeners.rs`). A client must read its response at a minimum rate.
//! Every few seconds, one event records the number of refused connections.
//!
//! The configured proxies have no limit per address, because each proxy forwards the connections of many clients.
//! A proxy should limit its clients itself.
//! **Limits**: an attacker with thousands of addresses can use up all connections.
//! **ASVS**: 13.1.2, 15.2.2 · **Test**: `attacks::limits::connection_limits`

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

use crate::http::client_ip::{TrustedProxies, prefix};

/// The maximum number of connections per address while at least three quarters of the total are in use.
const RESERVE_PER_ADDRESS: usize = 8;
/// How long the service waits for a client that reads nothing while the send buffer is full.
/// Each [`MIN_RATE`] bytes that the client reads extend the time by one second.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(20);
/// The minimum rate at which a client must read its response, in bytes per second.
pub const MIN_RATE: u32 = 4_096;

#[derive(Clone, Copy, Debug)]
pub struct Caps {
    pub total: usize,
    pub per_address: usize,
}

/// Counts and limits connections, or TLS handshakes, in total and per address.
pub struct ConnectionLimit {
    caps: Caps,
    proxies: TrustedProxies,
    by_prefix: Mutex<HashMap<IpAddr, usize>>,
    total: watch::Sender<usize>,
    refused: AtomicU64,
}

/// The permit of one open connection. Dropping it subtracts the connection from the counts.
pub struct Permit {
    limit: Arc<ConnectionLimit>,
    prefix: IpAddr,
}

impl ConnectionLimit {
    #[must_use]
    pub fn new(caps: Caps, proxies: TrustedProxies) -> Arc<Self> {
        let (by_prefix, total, refused) = (Mutex::default(), watch::Sender::new(0), AtomicU64::new(0));
        Arc::new(Self { caps, proxies, by_prefix, total, refused })
    }

    /// Admits a connection from this address. Returns `None` if a limit is reached.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Permit> {
        let prefix = prefix(address.to_canonical());
        let mut by_prefix = self.by_prefix.lock();
        let open = by_prefix.get(&prefix).copied().unwrap_or(0);
        let total = self.open();
        let in_reserve = total >= self.caps.total / 4 * 3;
        let cap = if in_reserve { RESERVE_PER_ADDRESS.min(self.caps.per_address) } else { self.caps.per_address };
        if total >= self.caps.total || (open >= cap && !self.proxies.contain(address)) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        by_prefix.insert(prefix, open + 1);
        self.total.send_replace(total + 1);
        Some(Permit { limit: self.clone(), prefix })
    }

    #[must_use]
    pub fn open(&self) -> usize {
        *self.total.borrow()
    }

    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub async fn wait_until_none_open(&self) {
        // `wait_for` only fails if the sender was dropped, and `self` contains the sender.
        let _ = self.total.subscribe().wait_for(|open| *open == 0).await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut by_prefix = self.limit.by_prefix.lock();
        let left = by_prefix.get(&self.prefix).map_or(0, |open| open - 1);
        if left == 0 {
            by_prefix.remove(&self.prefix);
        } else {
            by_prefix.insert(self.prefix, left);
        }
        self.limit.total.send_modify(|total| *total -= 1);
    }
}

/// Detects a client that reads its response too slowly. actix has no timeout for this.
#[derive(Default)]
pub struct StallTimer(Option<Pin<Box<Sleep>>>);

impl StallTimer {
    /// Checks the result of an attempt to write `offered` bytes. Returns this result if the client is fast enough.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] if the client reads more slowly than [`MIN_RATE`], for [`STALL_TIMEOUT`] or longer.
    pub fn check(
        &mut self,
        context: &mut Context<'_>,
        attempt: Poll<io::Result<usize>>,
        offered: usize,
    ) -> Poll<io::Result<usize>> {
        match &attempt {
            Poll::Ready(Ok(written)) if *written < offered => {
                if let Some(end) = &mut self.0 {
                    let more = Duration::from_secs(1) * u32::try_from(*written).unwrap_or(u32::MAX) / MIN_RATE;
                    let later = end.deadline() + more;
                    end.as_mut().reset(later);
                }
            }
            Poll::Ready(_) => self.0 = None,
            Poll::Pending => {
                let end = self.0.get_or_insert_with(|| Box::pin(sleep(STALL_TIMEOUT)));
                ready!(end.as_mut().poll(context));
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        attempt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(proxies: &[&str]) -> Arc<ConnectionLimit> {
        let proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
        ConnectionLimit::new(Caps { total: 100, per_address: 20 }, TrustedProxies(proxies))
    }

    fn admit(limit: &Arc<ConnectionLimit>, address: &str, times: usize) -> Vec<Permit> {
        (0..times).filter_map(|_| limit.admit(address.parse().unwrap())).collect()
    }

    #[test]
    fn connections_per_address_are_limited() {
        let limit = limit(&[]);
        let held = admit(&limit, "203.0.113.1", 50);
        assert_eq!((held.len(), limit.open(), limit.refused()), (20, 20, 30));
        assert_eq!(admit(&limit, "203.0.113.2", 1).len(), 1);
        drop(held);
        assert_eq!((limit.open(), limit.by_prefix.lock().len()), (0, 0), "dropped permits are released");
    }

    #[test]
    fn one_ipv6_prefix_counts_as_one_address() {
        let limit = limit(&[]);
        let held: Vec<_> = (0..50).filter_map(|n| admit(&limit, &format!("2001:db8::{n:x}"), 1).pop()).collect();
        assert_eq!(held.len(), 20);
    }

    #[test]
    fn reserve_is_for_addresses_with_few_connections() {
        let limit = limit(&[]);
        let flood: Vec<_> = (1..=4).flat_map(|n| admit(&limit, &format!("203.0.113.{n}"), 50)).collect();
        assert_eq!(flood.len(), 75);
        assert_eq!(admit(&limit, "198.51.100.1", 50).len(), RESERVE_PER_ADDRESS);
    }

    #[test]
    fn listed_proxy_has_only_the_total_limit() {
        let limit = limit(&["203.0.113.1/32"]);
        assert_eq!(admit(&limit, "203.0.113.1", 150).len(), 100);
    }
}
