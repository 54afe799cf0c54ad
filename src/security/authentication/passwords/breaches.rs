//! Breached-password check of new passwords by a k-anonymity range query (CWE-521, API2:2023, API10:2023). Off by
//! default.
//!
//! **Attack**: credential stuffing with breached passwords that our list does not contain.
//! A malicious breach service learns passwords, or sends slow, endless or false responses.
//! **Control**: the breach service only receives the first 5 of the 40 hex digits of the password's SHA-1.
//! About 2,000 breached passwords share these digits. So the breach service does not learn which password was checked
//! (k-anonymity).
//! The header `Add-Padding` hides the number of results from an observer of the connection.
//! Requests use the outbound client with SSRF protection (`security/communication/outbound`).
//! Each line of the response must have the expected format. Responses are cached for a day.
//! If the breach service fails, the password is accepted (fail open) and the event `breach_check_failed` is recorded.
//! **Limits**: the breach service learns when our host queries it.
//! If the breach service fails, breached passwords are accepted.
//! **ASVS**: 6.2.12, 13.2.4 · **Test**: `attacks::authentication::breached_passwords`

use std::collections::VecDeque;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};

use super::policy;
use crate::base::clock::Clock;
use crate::base::hex::hex;
use crate::config::{BreachSettings, OutboundUrl, Profile};
use crate::security::audit::event::{Event, EventKind};
use crate::security::communication::outbound::{OutboundClient, OutboundClientError, SystemResolver};

/// How many hex digits of the SHA-1 hash are sent to the breach service. Its range query requires exactly five.
const PREFIX_DIGITS: usize = 5;
const SUFFIX_DIGITS: usize = 35;

/// The maximum number of cached responses. A response has about 80 KiB, so the cache needs at most about 5 MiB.
const MAX_CACHED: usize = 64;
const CACHE_LIFE: TimeDelta = TimeDelta::hours(24);

pub struct BreachService {
    client: OutboundClient,
    url: OutboundUrl,
    clock: Clock,
    cache: Mutex<VecDeque<Range>>,
}

/// A response of the breach service: all breached password hashes that begin with `prefix`.
#[derive(Clone)]
struct Range {
    prefix: String,
    lines: Arc<str>,
    fetched_at: DateTime<Utc>,
}

impl BreachService {
    pub fn new(settings: &BreachSettings, profile: Profile, clock: Clock) -> Result<Self, OutboundClientError> {
        let BreachSettings { url, ca } = settings.clone();
        let client = OutboundClient::new(vec![url.clone()], ca.as_deref(), profile, Arc::new(SystemResolver))?;
        Ok(Self { client, url, clock, cache: Mutex::default() })
    }

    /// Returns whether the breach service lists this password.
    /// If the breach service fails, records an event and returns `false`: the failure must not prevent registrations.
    pub async fn contains(&self, password: &SecretString) -> bool {
        let password = policy::normalize(password);
        // The breach service requires SHA-1. Collisions are harmless here, because the hash is only a look-up key.
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
        let reply = self.client.get(&self.url, ["range", &prefix.to_uppercase()], ("add-padding", "true")).await;
        let body = match reply {
            Ok(body) => String::from_utf8(body).ok().filter(|body| is_range(body)),
            Err(error) => {
                tracing::warn!(%error, "failed to query the breach service; the password is accepted");
                failed("unavailable");
                return None;
            }
        };
        let Some(body) = body else {
            failed("invalid_reply");
            return None;
        };
        let lines: Arc<str> = body.into();
        self.cache(Range { prefix: prefix.to_owned(), lines: lines.clone(), fetched_at: self.clock.now() });
        Some(lines)
    }

    fn cached(&self, prefix: &str) -> Option<Arc<str>> {
        let oldest = self.clock.now() - CACHE_LIFE;
        let cache = self.cache.lock();
        cache.iter().find(|range| range.prefix == prefix && range.fetched_at > oldest).map(|range| range.lines.clone())
    }

    fn cache(&self, range: Range) {
        let mut cache = self.cache.lock();
        cache.retain(|other| other.prefix != range.prefix);
        cache.push_back(range);
        if cache.len() > MAX_CACHED {
            cache.pop_front();
        }
    }
}

/// Returns whether every line of the body has the range format. An empty body is invalid, because real responses
/// contain padding.
fn is_range(body: &str) -> bool {
    !body.is_empty() && body.lines().all(|line| entry(line).is_some())
}

/// Parses one line: the last 35 digits of a hash, and how often the password occurs in breaches (0 for padding).
fn entry(line: &str) -> Option<(&str, u64)> {
    let (suffix, count) = line.split_once(':')?;
    let is_suffix = suffix.len() == SUFFIX_DIGITS && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_suffix.then_some(suffix).zip(count.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_is_bounded_with_one_range_per_prefix() {
        let url = OutboundUrl::parse("https://breaches.example", Profile::Production).unwrap();
        let settings = BreachSettings { url, ca: None };
        let service = BreachService::new(&settings, Profile::Production, Clock::default()).unwrap();
        for number in 0..MAX_CACHED * 4 {
            let range =
                Range { prefix: format!("{:05x}", number / 2), lines: "".into(), fetched_at: service.clock.now() };
            service.cache(range);
        }
        assert_eq!(service.cache.lock().len(), MAX_CACHED);
        assert!(service.cached("0007f").is_some(), "the newest is cached");
        assert!(service.cached("00000").is_none(), "the oldest is dropped");
    }
}
