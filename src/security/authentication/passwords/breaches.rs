//! Asks a breach service whether a new password was published in a breach (k-anonymity range query). Off by default.
//!
//! **Attack**: credential stuffing with passwords of breaches that our list is too short for (CWE-521); a breach service that
//! wants to learn passwords, or that is slow, floods or lies (API10).
//! **Control**: the service receives the first 5 of the 40 hex
//! digits of the password's SHA-1. Some 2,000 published passwords share them, and the service cannot tell which one is meant, if any.
//! `Add-Padding` hides the number of results from an observer of the connection. The reply comes by the one outbound client
//! (`security/communication/outbound`). Each of its lines must have the expected form. A service that fails is no reason to refuse a
//! password: the choice goes on (fail open) and leaves the event `breach_check_failed`. Replies are cached for a day.
//! **Limits**: the service learns that our host asks, and when. While it fails, breached passwords are accepted.
//! **ASVS**: 6.2.12, 13.2.4 · **Test**: `attacks::authentication::breached_passwords`

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::policy;
use crate::base::clock::Clock;
use crate::base::hex::hex;
use crate::config::{BreachSettings, Profile, WebhookUrl};
use crate::security::audit::event::{Event, EventKind};
use crate::security::communication::outbound::{BadDoor, Door, SystemLookup};

/// The digits that leave the service. The range format fixes their number.
const PREFIX_DIGITS: usize = 5;
const SUFFIX_DIGITS: usize = 35;

/// A range has some 80 KiB, so the cache stays near 5 MiB.
const MAX_CACHED: usize = 64;
const CACHE_LIFE: TimeDelta = TimeDelta::hours(24);

/// The breach service that the settings name.
pub struct BreachService {
    door: Door,
    url: WebhookUrl,
    clock: Clock,
    cache: Mutex<VecDeque<Range>>,
}

/// The reply to one query: what the service knows of hashes with this prefix.
#[derive(Clone)]
struct Range {
    prefix: String,
    lines: Arc<str>,
    read_at: DateTime<Utc>,
}

impl BreachService {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// See [`BadDoor`].
    pub fn new(settings: &BreachSettings, profile: Profile, clock: Clock) -> Result<Self, BadDoor> {
        let BreachSettings { url, ca } = settings.clone();
        let door = Door::new(vec![url.clone()], ca.as_deref(), profile, Arc::new(SystemLookup))?;
        Ok(Self { door, url, clock, cache: Mutex::default() })
    }

    /// Whether the service knows this password from a breach. `false`, with an event, if the service fails.
    pub async fn knows(&self, password: &SecretString) -> bool {
        // The range format is made of SHA-1. The hash is a look-up key and proves nothing, so collisions do no harm.
        let password = policy::normalize(password);
        let hash = hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose_secret().as_bytes()).as_ref());
        let (prefix, suffix) = hash.split_at(PREFIX_DIGITS);
        let lines = match self.cached(prefix) {
            Some(lines) => lines,
            None => match self.query(prefix).await {
                Some(lines) => lines,
                None => return false,
            },
        };
        lines.lines().filter_map(entry).any(|(listed, count)| count > 0 && listed.eq_ignore_ascii_case(suffix))
    }

    async fn query(&self, prefix: &str) -> Option<Arc<str>> {
        let failed = |reason| Event::new(EventKind::BreachCheckFailed).reason(reason).record();
        let reply = self.door.get(&self.url, ["range", &prefix.to_uppercase()], ("add-padding", "true")).await;
        let body = match reply {
            Ok(body) => String::from_utf8(body).ok().filter(|body| is_range(body)),
            Err(error) => {
                tracing::warn!(%error, "failed to ask the breach service; the password is accepted");
                failed("unavailable");
                return None;
            }
        };
        let Some(body) = body else {
            failed("invalid_reply");
            return None;
        };
        let lines: Arc<str> = body.into();
        self.remember(Range { prefix: prefix.to_owned(), lines: lines.clone(), read_at: self.clock.now() });
        Some(lines)
    }

    fn cached(&self, prefix: &str) -> Option<Arc<str>> {
        let oldest = self.clock.now() - CACHE_LIFE;
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.iter().find(|range| range.prefix == prefix && range.read_at > oldest).map(|range| range.lines.clone())
    }

    fn remember(&self, range: Range) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|other| other.prefix != range.prefix);
        cache.push_back(range);
        if cache.len() > MAX_CACHED {
            cache.pop_front();
        }
    }
}

/// Whether the whole body has the range format. With padding, no range is empty.
fn is_range(body: &str) -> bool {
    !body.is_empty() && body.lines().all(|line| entry(line).is_some())
}

/// One line: the other 35 digits of a hash, and how often breaches have that password. Padding has the count 0.
fn entry(line: &str) -> Option<(&str, u64)> {
    let (suffix, count) = line.split_once(':')?;
    let is_suffix = suffix.len() == SUFFIX_DIGITS && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_suffix.then_some(suffix).zip(count.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_is_bounded_and_has_one_range_a_prefix() {
        let url = WebhookUrl::parse("https://breaches.example", Profile::Production).unwrap();
        let settings = BreachSettings { url, ca: None };
        let service = BreachService::new(&settings, Profile::Production, Clock::default()).unwrap();
        for number in 0..MAX_CACHED * 4 {
            let range = Range { prefix: format!("{:05x}", number / 2), lines: "".into(), read_at: service.clock.now() };
            service.remember(range);
        }
        assert_eq!(service.cache.lock().unwrap().len(), MAX_CACHED);
        assert!(service.cached("0007f").is_some(), "the newest is kept");
        assert!(service.cached("00000").is_none(), "the oldest is not");
    }
}
