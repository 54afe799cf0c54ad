//! Connection limits: connection exhaustion and Slowloris (CWE-400, CWE-770, API4:2023).
//!
//! **Attack**: one client opens thousands of connections and sends nothing, or half a head, or takes its reply byte by byte, until
//! no other client is accepted.
//! **Control**: an address (IPv6: a /56) has a cap, well below the cap of all together; the last quarter of all
//! is a reserve for addresses with few connections. What exceeds a cap is closed at once and accepting never pauses. TLS handshakes
//! have caps of their own and a short deadline; a request's head has one too (`app/listeners.rs`). A reply must be taken at a
//! minimum rate. Listed proxies have no cap of their own: they carry the connections of many clients, and should limit them.
//! What was closed is told as one event with an amount, every few seconds.
//! **Limits**: connections from thousands of addresses at once; each has its few, and the cap of all together is reached.
//! **ASVS**: 13.1.2, 15.2.2 · **Test**: `attacks::limits::connection_limits`

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

use crate::http::client_ip::{TrustedProxies, prefix};

/// How many connections an address may have while the reserve is in use.
const FEW: usize = 8;
/// How long a full buffer may wait for its reader, plus one second for each [`MIN_RATE`] bytes that the reader takes.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes a second.
pub const MIN_RATE: u32 = 4_096;

/// Two caps on something that connections hold.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    pub total: usize,
    pub per_address: usize,
}

/// Counts connections, or handshakes, by address. Clones of an [`Arc`] share the count.
pub struct ConnectionLimit {
    caps: Caps,
    proxies: TrustedProxies,
    by_prefix: Mutex<HashMap<IpAddr, usize>>,
    total: watch::Sender<usize>,
    refused: AtomicU64,
}

/// One admitted connection. Dropping it makes room for another.
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

    /// Admits a connection from this address unless a cap is reached.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Permit> {
        let prefix = prefix(address.to_canonical());
        let mut by_prefix = self.lock();
        let open = by_prefix.get(&prefix).copied().unwrap_or(0);
        let total = self.open();
        let in_reserve = total >= self.caps.total / 4 * 3;
        let cap = if in_reserve { FEW.min(self.caps.per_address) } else { self.caps.per_address };
        if total >= self.caps.total || (open >= cap && !self.proxies.contain(address)) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        by_prefix.insert(prefix, open + 1);
        self.total.send_replace(total + 1);
        Some(Permit { limit: self.clone(), prefix })
    }

    /// How many are open (metrics).
    #[must_use]
    pub fn open(&self) -> usize {
        *self.total.borrow()
    }

    /// How many were closed at once since the start (metrics).
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Waits until none is open.
    pub async fn none_open(&self) {
        // A sender exists as long as `self`.
        let _ = self.total.subscribe().wait_for(|open| *open == 0).await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_prefix.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut by_prefix = self.limit.lock();
        let left = by_prefix.get(&self.prefix).map_or(0, |open| open - 1);
        if left == 0 {
            by_prefix.remove(&self.prefix);
        } else {
            by_prefix.insert(self.prefix, left);
        }
        self.limit.total.send_modify(|total| *total -= 1);
    }
}

/// The time that a reader has for what it was sent. actix has no such limit.
#[derive(Default)]
pub struct ReadersPace(Option<Pin<Box<Sleep>>>);

impl ReadersPace {
    /// Judges one attempt to write `offered` bytes to the reader.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] if the reader is slower than [`MIN_RATE`] after [`STALL_TIMEOUT`].
    pub fn judge(
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
    fn one_address_has_its_cap_and_no_more() {
        let limit = limit(&[]);
        let held = admit(&limit, "203.0.113.1", 50);
        assert_eq!((held.len(), limit.open(), limit.refused()), (20, 20, 30));
        assert_eq!(admit(&limit, "203.0.113.2", 1).len(), 1);
        drop(held);
        assert_eq!((limit.open(), limit.lock().len()), (0, 0), "what is dropped is forgotten");
    }

    #[test]
    fn one_ipv6_subscriber_is_one_address() {
        let limit = limit(&[]);
        let held: Vec<_> = (0..50).filter_map(|n| admit(&limit, &format!("2001:db8::{n:x}"), 1).pop()).collect();
        assert_eq!(held.len(), 20);
    }

    #[test]
    fn the_reserve_is_for_addresses_with_few_connections() {
        let limit = limit(&[]);
        let flood: Vec<_> = (1..=4).flat_map(|n| admit(&limit, &format!("203.0.113.{n}"), 50)).collect();
        assert_eq!(flood.len(), 75);
        assert_eq!(admit(&limit, "198.51.100.1", 50).len(), FEW);
    }

    #[test]
    fn a_listed_proxy_has_no_cap_of_its_own() {
        let limit = limit(&["203.0.113.1/32"]);
        assert_eq!(admit(&limit, "203.0.113.1", 150).len(), 100);
    }
}
