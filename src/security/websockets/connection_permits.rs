//! Limits the open sockets per process and per user. Sockets that have not authenticated yet are limited per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use parking_lot::Mutex;

use crate::base::id::UserId;
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};

pub const MAX_SOCKETS: usize = 5_000;
pub const MAX_SOCKETS_PER_USER: usize = 10;
/// The maximum number of sockets per address that are open but have not authenticated yet.
pub const MAX_UNAUTHENTICATED_PER_ADDRESS: usize = 20;

#[derive(Default)]
pub struct ConnectionPermits {
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    all: usize,
    waiting: HashMap<IpAddr, usize>,
    of_user: HashMap<UserId, usize>,
}

/// The permit of one open socket. When its last clone is dropped, the socket is no longer counted.
#[derive(Clone)]
pub struct ConnectionPermit(Arc<SharedPermit>);

struct SharedPermit {
    permits: Arc<ConnectionPermits>,
    holder: Mutex<Holder>,
}

#[derive(Clone, Copy)]
enum Holder {
    Address(IpAddr),
    User(UserId),
}

impl ConnectionPermits {
    /// Returns a permit for a socket that has not authenticated yet. The permit counts for the address of the client.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] if too many sockets of this address have not authenticated yet.
    /// [`ApiError::Unavailable`] if the process has too many open sockets.
    pub fn acquire(self: &Arc<Self>, address: ClientAddr) -> ApiResult<ConnectionPermit> {
        let address = address.prefix();
        let mut counts = self.counts.lock();
        if counts.all >= MAX_SOCKETS {
            drop(counts);
            Event::new(EventKind::ExcessRateLimitExceeded).reason("live_sockets_total").record();
            return Err(ApiError::unavailable(10, "too many sockets are open"));
        }
        let waiting = counts.waiting.entry(address).or_default();
        if *waiting >= MAX_UNAUTHENTICATED_PER_ADDRESS {
            return Err(ApiError::TooManyRequests { retry_after: super::TICKET_TIMEOUT.as_secs(), challenge: None });
        }
        *waiting += 1;
        counts.all += 1;
        Ok(ConnectionPermit(Arc::new(SharedPermit {
            permits: self.clone(),
            holder: Mutex::new(Holder::Address(address)),
        })))
    }

    #[must_use]
    pub fn open(&self) -> usize {
        self.counts.lock().all
    }
}

impl ConnectionPermit {
    /// Counts the socket for this user instead of its address. Returns `false` if the user has too many sockets.
    #[must_use]
    pub fn assign_to(&self, user: UserId) -> bool {
        let mut holder = self.0.holder.lock();
        let mut counts = self.0.permits.counts.lock();
        let of_user = counts.of_user.entry(user).or_default();
        if *of_user >= MAX_SOCKETS_PER_USER {
            return false;
        }
        *of_user += 1;
        counts.release(*holder);
        *holder = Holder::User(user);
        true
    }
}

impl Counts {
    fn release(&mut self, holder: Holder) {
        match holder {
            Holder::Address(address) => decrement(&mut self.waiting, address),
            Holder::User(user) => decrement(&mut self.of_user, user),
        }
    }
}

fn decrement<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

impl Drop for SharedPermit {
    fn drop(&mut self) {
        let holder = *self.holder.get_mut();
        let mut counts = self.permits.counts.lock();
        counts.release(holder);
        counts.all = counts.all.saturating_sub(1);
    }
}

/// Moves the permit into the response body of the handshake. This body is dropped when the connection closes.
pub(super) fn with_permit(body: BoxBody, permit: ConnectionPermit) -> BoxBody {
    BoxBody::new(BodyWithPermit { body, _permit: permit })
}

struct BodyWithPermit {
    body: BoxBody,
    _permit: ConnectionPermit,
}

impl MessageBody for BodyWithPermit {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use actix_web::http::header::HeaderMap;

    use super::*;
    use crate::http::client_ip::TrustedProxies;

    /// Each socket comes from a different address, so that only the limit per process applies.
    #[test]
    fn sockets_per_process_are_limited_until_one_closes() {
        let permits = Arc::new(ConnectionPermits::default());
        let acquire = |number: usize| {
            let address = Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(number).unwrap());
            permits.acquire(ClientAddr::resolve(address.into(), &HeaderMap::new(), &TrustedProxies::default()))
        };
        let mut inside: Vec<ConnectionPermit> = (0..MAX_SOCKETS).map(|number| acquire(number).unwrap()).collect();
        let last = inside.pop().unwrap();
        assert!(last.assign_to(UserId::new()), "an authenticated socket still counts");
        assert!(matches!(acquire(MAX_SOCKETS), Err(ApiError::Unavailable { retry_after: 1.., .. })));
        assert_eq!(permits.open(), MAX_SOCKETS);
        drop(last);
        acquire(MAX_SOCKETS).unwrap();
    }
}
