//! Excessive logging (CWE-779, CWE-770, API4:2023): a few rows count a whole flood of refused requests.
//!
//! **Attack**: one client sends thousands of requests a second that are refused.
//! If each refusal left a row and a log line, the disk would fill up. Users could then neither sign in nor save data.
//! **Control**: events are equal if they have the same kind, reason, route, network, user, session and identifier hash.
//! In each minute, each of the first 20 equal events gets its own row.
//! Further equal events only increment an *aggregate*: a counter in memory.
//! At the end of the minute, and at shutdown, each aggregate is written as one row and one log line with the count.
//! The detection rules count aggregated events immediately.
//!
//! The memory for aggregates is bounded.
//! Low-priority events (of anonymous clients, or about rate limits or invalid input) get at most 5,000 aggregates a
//! minute. After that, they share one aggregate per kind and reason.
//! Another 5,000 aggregates are reserved for the other events, so an anonymous flood cannot hide events about users.
//! **Limits**: `kill -9` loses the aggregates of the current minute.
//! Events that name an object are not aggregated, because each object id is evidence. Rate limits bound the number of
//! such events.
//! **ASVS**: 16.1.1, 16.2.1, 16.3.2 · **Test**: `attacks::audit::security_events::floods`

use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use super::kinds::EventKind;
use crate::base::id::{SessionId, UserId};
use crate::http::matched_route::MatchedRoute;

/// How long equal events are aggregated before the aggregate is written.
pub const WINDOW: TimeDelta = TimeDelta::minutes(1);
pub const MAX_SINGLE: u32 = 20;
/// The maximum number of low-priority events, of all kinds together, that get their own row in a window.
pub const MAX_SINGLE_LOW_PRIORITY: u32 = 2_000;
/// The maximum number of aggregates in a window. Low-priority events may use half of them.
/// An aggregate takes about 300 bytes.
pub const MAX_AGGREGATES: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AggregateKey {
    pub kind: EventKind,
    pub reason: &'static str,
    pub user: Option<UserId>,
    pub session: Option<SessionId>,
    pub subject: Option<String>,
    /// The route and the network of the events, or `None` for the shared aggregate of low-priority events.
    pub place: Option<(MatchedRoute, IpAddr)>,
}

#[derive(Default)]
struct Aggregate {
    single: u32,
    /// The number of events without their own row.
    amount: u64,
    /// The part of `amount` that the detection rules have not counted yet.
    uncounted: u64,
}

#[derive(Default)]
pub struct Aggregates {
    ends_at: Option<DateTime<Utc>>,
    single_low_priority: u32,
    aggregates: HashMap<AggregateKey, Aggregate>,
}

impl Aggregates {
    /// Returns `true` if the event was added to an aggregate, and `false` if the event must get its own row.
    /// `has_room` says whether the recorder's queue has space for this row.
    pub fn add(&mut self, key: AggregateKey, low_priority: bool, has_room: bool, now: DateTime<Utc>) -> bool {
        self.ends_at.get_or_insert(now + WINDOW);
        let most = if low_priority { MAX_AGGREGATES / 2 } else { MAX_AGGREGATES };
        let key = match (self.aggregates.contains_key(&key) || self.aggregates.len() < most, low_priority) {
            (true, _) => key,
            (false, true) => AggregateKey { user: None, session: None, subject: None, place: None, ..key },
            (false, false) => return false,
        };
        let aggregate = self.aggregates.entry(key).or_default();
        let may_stand_alone = !low_priority || self.single_low_priority < MAX_SINGLE_LOW_PRIORITY;
        if has_room && may_stand_alone && aggregate.single < MAX_SINGLE {
            aggregate.single += 1;
            self.single_low_priority += u32::from(low_priority);
            return false;
        }
        aggregate.amount += 1;
        aggregate.uncounted += 1;
        true
    }

    /// Returns how many events of each aggregate the detection rules have not counted yet, and marks them as counted.
    /// Takes at most `most` aggregates.
    pub fn take_uncounted(&mut self, most: usize) -> Vec<(AggregateKey, u64)> {
        let uncounted = self.aggregates.iter_mut().filter(|(_, aggregate)| aggregate.uncounted > 0).take(most);
        uncounted.map(|(key, aggregate)| (key.clone(), std::mem::take(&mut aggregate.uncounted))).collect()
    }

    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.ends_at.is_some_and(|ends_at| now >= ends_at)
    }

    /// Ends the window: removes all aggregates and returns their amounts.
    pub fn take_amounts(&mut self) -> Vec<(AggregateKey, u64)> {
        (self.ends_at, self.single_low_priority) = (None, 0);
        self.aggregates
            .drain()
            .filter(|(_, aggregate)| aggregate.amount > 0)
            .map(|(key, aggregate)| (key, aggregate.amount))
            .collect()
    }

    pub fn is_empty(&self) -> bool {
        self.aggregates.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(user: Option<UserId>, network: u32) -> AggregateKey {
        AggregateKey {
            kind: EventKind::AuthnTokenInvalid,
            reason: "missing",
            user,
            session: None,
            subject: None,
            place: Some((MatchedRoute::default(), IpAddr::V4(network.into()))),
        }
    }

    #[test]
    fn flood_from_many_networks_takes_bounded_memory_and_loses_no_count() {
        let (mut aggregates, now) = (Aggregates::default(), DateTime::UNIX_EPOCH);
        let mut single = 0_u64;
        for round in 0..25 {
            for network in 0..6_000 {
                single += u64::from(!aggregates.add(key(None, network), true, round < 24, now));
            }
        }
        assert_eq!(single, u64::from(MAX_SINGLE_LOW_PRIORITY));
        let user = UserId::new();
        let of_user = (0..150).filter(|_| aggregates.add(key(Some(user), 1), false, true, now)).count();
        assert_eq!(of_user, 150 - MAX_SINGLE as usize);
        assert!(!aggregates.is_over(now) && aggregates.is_over(now + WINDOW));
        let mut counted: Vec<(AggregateKey, u64)> = Vec::new();
        loop {
            let batch = aggregates.take_uncounted(500);
            if batch.is_empty() {
                break;
            }
            counted.extend(batch);
        }
        let amounts = aggregates.take_amounts();
        assert!(aggregates.is_empty() && amounts.len() <= MAX_AGGREGATES / 2 + 2, "{}", amounts.len());
        let sum = |amounts: &[(AggregateKey, u64)]| amounts.iter().map(|(_, amount)| amount).sum::<u64>();
        assert_eq!(sum(&amounts) + single, 25 * 6_000 + 130);
        assert_eq!(sum(&counted), sum(&amounts), "the detection rules count every event");
        let others: Vec<u64> =
            amounts.iter().filter(|(key, _)| key.place.is_none()).map(|(_, amount)| *amount).collect();
        assert_eq!(others, [25 * 1_000]);
        assert!(amounts.iter().any(|(key, amount)| *key == self::key(Some(user), 1) && *amount == 130));
    }

    #[test]
    fn full_queue_aggregates_events_at_once() {
        let mut aggregates = Aggregates::default();
        assert!(aggregates.add(key(None, 1), true, false, DateTime::UNIX_EPOCH));
        assert!(!aggregates.add(key(None, 1), true, true, DateTime::UNIX_EPOCH));
    }
}
