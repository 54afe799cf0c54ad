//! Excessive logging (CWE-779, CWE-770, API4:2023): a flood of refused requests becomes a few rows with an amount.
//!
//! **Attack**: one client sends thousands of refused requests a second. A row and a log line for each fill the disk, until
//! users can no longer write or sign in.
//! **Control**: within one minute, the first 20 events that are alike (kind, reason, route, network,
//! user, session, typed name) are recorded one by one. Later ones only add to a tally. At the end of the minute, and at
//! shutdown, each tally becomes one row and one line with its amount: the amounts add up to the refusals. Rules of abuse
//! count a tally's events as they come. The memory is bounded: beyond 5,000 tallies, events of strangers add to one tally a
//! reason, without network. The other 5,000 are for events about users.
//! **Limits**: `kill -9` loses the tallies of its minute. Events that name an object are not tallied, because each id
//! is evidence: rate limits bound them, and the rules end a session that goes on.
//! **ASVS**: 16.1.1, 16.2.1, 16.3.2 · **Test**: `attacks::audit::security_events::floods`

use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use super::kinds::EventKind;
use crate::base::id::{SessionId, UserId};
use crate::http::matched_route::MatchedRoute;

/// How long events are tallied before their amount is written.
pub const WINDOW: TimeDelta = TimeDelta::minutes(1);
/// Events of one key that are recorded one by one in a window.
pub const MAX_SINGLE: u32 = 20;
/// Events of all strangers that are recorded one by one in a window.
pub const MAX_SINGLE_OF_STRANGERS: u32 = 2_000;
/// Tallies of one window, about 300 bytes each. Strangers get half of them.
pub const MAX_TALLIES: usize = 10_000;

/// What events have in common that share a tally.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub kind: EventKind,
    pub reason: &'static str,
    pub user: Option<UserId>,
    pub session: Option<SessionId>,
    pub subject: Option<String>,
    /// `None`: networks and routes beyond the bound.
    pub place: Option<(MatchedRoute, IpAddr)>,
}

#[derive(Default)]
struct Tally {
    single: u32,
    /// Those after the single ones.
    amount: u64,
    /// Those of the amount that the rules have not counted yet.
    uncounted: u64,
}

/// The tallies of the current window.
#[derive(Default)]
pub struct Tallies {
    ends_at: Option<DateTime<Utc>>,
    single_of_strangers: u32,
    tallies: HashMap<Key, Tally>,
}

impl Tallies {
    /// Adds an event to its tally, and returns true; false if it is to be recorded by itself. `has_room` says whether the
    /// queue could take it.
    pub fn add(&mut self, key: Key, by_stranger: bool, has_room: bool, now: DateTime<Utc>) -> bool {
        self.ends_at.get_or_insert(now + WINDOW);
        let most = if by_stranger { MAX_TALLIES / 2 } else { MAX_TALLIES };
        let key = match (self.tallies.contains_key(&key) || self.tallies.len() < most, by_stranger) {
            (true, _) => key,
            (false, true) => Key { user: None, session: None, subject: None, place: None, ..key },
            (false, false) => return false,
        };
        let tally = self.tallies.entry(key).or_default();
        let may_stand_alone = !by_stranger || self.single_of_strangers < MAX_SINGLE_OF_STRANGERS;
        if has_room && may_stand_alone && tally.single < MAX_SINGLE {
            tally.single += 1;
            self.single_of_strangers += u32::from(by_stranger);
            return false;
        }
        tally.amount += 1;
        tally.uncounted += 1;
        true
    }

    /// Takes what the rules have not counted, of so many tallies at most.
    pub fn take_uncounted(&mut self, most: usize) -> Vec<(Key, u64)> {
        let uncounted = self.tallies.iter_mut().filter(|(_, tally)| tally.uncounted > 0).take(most);
        uncounted.map(|(key, tally)| (key.clone(), std::mem::take(&mut tally.uncounted))).collect()
    }

    /// Whether the window has ended.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.ends_at.is_some_and(|ends_at| now >= ends_at)
    }

    /// Takes the amounts, and ends the window.
    pub fn take_amounts(&mut self) -> Vec<(Key, u64)> {
        (self.ends_at, self.single_of_strangers) = (None, 0);
        self.tallies.drain().filter(|(_, tally)| tally.amount > 0).map(|(key, tally)| (key, tally.amount)).collect()
    }

    /// Whether nothing waits for the end of a window.
    pub fn is_empty(&self) -> bool {
        self.tallies.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(user: Option<UserId>, network: u32) -> Key {
        Key {
            kind: EventKind::AuthnTokenInvalid,
            reason: "missing",
            user,
            session: None,
            subject: None,
            place: Some((MatchedRoute::default(), IpAddr::V4(network.into()))),
        }
    }

    /// The sum of single events and amounts is exact.
    #[test]
    fn a_flood_from_many_networks_takes_bounded_memory_and_loses_no_count() {
        let (mut tallies, now) = (Tallies::default(), DateTime::UNIX_EPOCH);
        let mut single = 0_u64;
        for round in 0..25 {
            for network in 0..6_000 {
                single += u64::from(!tallies.add(key(None, network), true, round < 24, now));
            }
        }
        assert_eq!(single, u64::from(MAX_SINGLE_OF_STRANGERS));
        // A user's event still has a tally of its own.
        let user = UserId::new();
        let of_user = (0..150).filter(|_| tallies.add(key(Some(user), 1), false, true, now)).count();
        assert_eq!(of_user, 150 - MAX_SINGLE as usize);
        assert!(!tallies.is_over(now) && tallies.is_over(now + WINDOW));
        let mut counted: Vec<(Key, u64)> = Vec::new();
        loop {
            let batch = tallies.take_uncounted(500);
            if batch.is_empty() {
                break;
            }
            counted.extend(batch);
        }
        let amounts = tallies.take_amounts();
        assert!(tallies.is_empty() && amounts.len() <= MAX_TALLIES / 2 + 2, "{}", amounts.len());
        let sum = |amounts: &[(Key, u64)]| amounts.iter().map(|(_, amount)| amount).sum::<u64>();
        assert_eq!(sum(&amounts) + single, 25 * 6_000 + 130);
        assert_eq!(sum(&counted), sum(&amounts), "the rules count each");
        let others: Vec<u64> =
            amounts.iter().filter(|(key, _)| key.place.is_none()).map(|(_, amount)| *amount).collect();
        assert_eq!(others, [25 * 1_000]);
        assert!(amounts.iter().any(|(key, amount)| *key == self::key(Some(user), 1) && *amount == 130));
    }

    #[test]
    fn without_room_in_the_queue_an_event_is_tallied_at_once() {
        let mut tallies = Tallies::default();
        assert!(tallies.add(key(None, 1), true, false, DateTime::UNIX_EPOCH));
        assert!(!tallies.add(key(None, 1), true, true, DateTime::UNIX_EPOCH));
    }
}
