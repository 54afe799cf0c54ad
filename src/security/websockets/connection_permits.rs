//! How many sockets there may be: in the process, of one user, and of one address before it has shown a ticket.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

use crate::base::id::UserId;
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};

/// Sockets of one process.
pub const MOST_SOCKETS: usize = 5_000;
/// Sockets of one user.
pub const MOST_OF_A_USER: usize = 10;
/// Sockets of one address that have not shown a ticket.
pub const MOST_WAITING: usize = 20;

/// Who sits where.
#[derive(Default)]
pub struct Places {
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    waiting: HashMap<IpAddr, usize>,
    of_user: HashMap<UserId, usize>,
}

/// One socket's place, given back when its last holder is gone.
#[derive(Clone)]
pub struct Place(Arc<Seat>);

struct Seat {
    places: Arc<Places>,
    holder: Mutex<Holder>,
}

#[derive(Clone, Copy)]
enum Holder {
    Address(IpAddr),
    User(UserId),
}

impl Places {
    /// A place for a socket that has shown nothing yet.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] for an address that waits with too many, [`ApiError::Unavailable`] when the house is full.
    pub fn enter(self: &Arc<Self>, address: ClientAddr) -> ApiResult<Place> {
        let address = address.prefix();
        let mut taken = self.lock();
        if taken.all >= MOST_SOCKETS {
            drop(taken);
            Event::new(EventKind::ExcessRateLimitExceeded).reason("live_sockets_total").record();
            return Err(ApiError::unavailable(10, "all sockets are taken"));
        }
        let waiting = taken.waiting.entry(address).or_default();
        if *waiting >= MOST_WAITING {
            return Err(ApiError::TooManyRequests { retry_after: super::TICKET_WITHIN.as_secs(), challenge: None });
        }
        *waiting += 1;
        taken.all += 1;
        Ok(Place(Arc::new(Seat { places: self.clone(), holder: Mutex::new(Holder::Address(address)) })))
    }

    /// How many are taken now.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Now it is this user's. `false`: he has as many as he may.
    #[must_use]
    pub fn take(&self, user: UserId) -> bool {
        let mut holder = self.0.holder.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = self.0.places.lock();
        let of_user = taken.of_user.entry(user).or_default();
        if *of_user >= MOST_OF_A_USER {
            return false;
        }
        *of_user += 1;
        taken.leave(*holder);
        *holder = Holder::User(user);
        true
    }
}

impl Taken {
    fn leave(&mut self, holder: Holder) {
        match holder {
            Holder::Address(address) => less(&mut self.waiting, address),
            Holder::User(user) => less(&mut self.of_user, user),
        }
    }
}

fn less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let holder = *self.holder.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut taken = self.places.lock();
        taken.leave(holder);
        taken.all = taken.all.saturating_sub(1);
    }
}

/// The body of the handshake's reply lives as long as the connection, also while nobody reads it; so the place does too.
pub(super) fn held(body: BoxBody, place: Place) -> BoxBody {
    BoxBody::new(Held { body, _place: place })
}

struct Held {
    body: BoxBody,
    _place: Place,
}

impl MessageBody for Held {
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

    /// From as many addresses as there are sockets: each of them waits with one.
    #[test]
    fn the_house_is_full_for_everybody_until_somebody_leaves() {
        let places = Arc::new(Places::default());
        let enter = |number: usize| {
            let address = Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(number).unwrap());
            places.enter(ClientAddr::resolve(address.into(), &HeaderMap::new(), &TrustedProxies::default()))
        };
        let mut inside: Vec<Place> = (0..MOST_SOCKETS).map(|number| enter(number).unwrap()).collect();
        let last = inside.pop().unwrap();
        assert!(last.take(UserId::new()), "who has shown a ticket is still inside");
        assert!(matches!(enter(MOST_SOCKETS), Err(ApiError::Unavailable { retry_after: 1.., .. })));
        assert_eq!(places.taken(), MOST_SOCKETS);
        drop(last);
        enter(MOST_SOCKETS).unwrap();
    }
}
