//! Metrics of requests: their number by route and status, their duration, and refusals by problem code.
//!
//! The counters of each route are atomic and exist from startup, so counting needs no locks and no allocations.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// All statuses that the service sends. A test checks that the list is complete.
pub const STATUSES: [(u16, &str); 25] = [
    (101, "101"),
    (200, "200"),
    (201, "201"),
    (202, "202"),
    (204, "204"),
    (206, "206"),
    (303, "303"),
    (304, "304"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (408, "408"),
    (409, "409"),
    (412, "412"),
    (413, "413"),
    (415, "415"),
    (416, "416"),
    (422, "422"),
    (426, "426"),
    (428, "428"),
    (429, "429"),
    (500, "500"),
    (503, "503"),
];

/// The upper bounds of the histogram's buckets, in microseconds. The last bucket has no upper bound.
/// The bounds separate requests with a password hash (about 40 ms) from faster requests, and end at the request timeout
/// (20 s).
const BOUNDS: [u64; 12] =
    [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 20_000_000];

/// The label for methods, statuses and codes that are not listed.
const OTHER: &str = "other";

pub struct Requests {
    by_route: HashMap<&'static str, Vec<RouteMeter>>,
    /// The metrics of requests to unknown paths.
    unknown: RouteMeter,
    refusals: Vec<(&'static str, AtomicU64)>,
    running: AtomicI64,
}

/// The metrics of one method on one route.
pub struct RouteMeter {
    method: &'static str,
    route: &'static str,
    by_status: [AtomicU64; STATUSES.len() + 1],
    by_time: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

/// Counts a request as running until this value is dropped, also if the client disconnects.
pub struct RunningRequest<'a>(&'a AtomicI64);

impl Drop for RunningRequest<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Requests {
    pub(super) fn new(
        endpoints: impl IntoIterator<Item = (&'static str, &'static str)>,
        codes: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let mut by_route: HashMap<&'static str, Vec<RouteMeter>> = HashMap::new();
        for (method, route) in endpoints {
            // The last meter of each route counts all other methods.
            let meters = by_route.entry(route).or_insert_with(|| vec![RouteMeter::new(OTHER, route)]);
            meters.insert(0, RouteMeter::new(method, route));
        }
        Self {
            by_route,
            unknown: RouteMeter::new(OTHER, "unknown"),
            refusals: codes.into_iter().chain([OTHER]).map(|code| (code, AtomicU64::new(0))).collect(),
            running: AtomicI64::new(0),
        }
    }

    /// Returns the metrics of a request. `route` is the pattern of the matched route, or `None` for an unknown path.
    #[must_use]
    pub fn for_route(&self, method: &str, route: Option<&str>) -> &RouteMeter {
        let meters = route.and_then(|route| self.by_route.get(route));
        let exact = meters.and_then(|meters| meters.iter().find(|meter| meter.method == method));
        exact.or_else(|| meters.and_then(|meters| meters.last())).unwrap_or(&self.unknown)
    }

    pub fn start(&self) -> RunningRequest<'_> {
        self.running.fetch_add(1, Ordering::Relaxed);
        RunningRequest(&self.running)
    }

    pub fn count_refusal(&self, code: &str) {
        let known = self.refusals.iter().find(|(known, _)| *known == code);
        if let Some((_, count)) = known.or(self.refusals.last()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn meters(&self) -> impl Iterator<Item = &RouteMeter> {
        self.by_route.values().flatten().chain([&self.unknown])
    }
}

impl RouteMeter {
    fn new(method: &'static str, route: &'static str) -> Self {
        Self {
            method,
            route,
            by_status: std::array::from_fn(|_| AtomicU64::new(0)),
            by_time: std::array::from_fn(|_| AtomicU64::new(0)),
            micros: AtomicU64::new(0),
        }
    }

    pub fn record(&self, status: u16, took: Duration) {
        let place = STATUSES.iter().position(|(known, _)| *known == status).unwrap_or(STATUSES.len());
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        for count in [self.by_status.get(place), self.by_time.get(bucket)].into_iter().flatten() {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn was_used(&self) -> bool {
        self.by_time.iter().any(|count| count.load(Ordering::Relaxed) > 0)
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("requests")
    }
}

impl Collector for Requests {
    #[allow(clippy::cast_precision_loss, reason = "a sum of microseconds is exact up to 285 years")]
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (count, gauge, histogram) = (MetricType::Counter, MetricType::Gauge, MetricType::Histogram);
        let mut family = encoder.encode_descriptor("http_requests", "Requests by route and status", None, count)?;
        for meter in self.meters() {
            let names = STATUSES.iter().map(|(_, name)| *name).chain([OTHER]);
            for (status, count) in names.zip(&meter.by_status) {
                let count = count.load(Ordering::Relaxed);
                // Omit zeros, because the statuses of all routes would be about a thousand lines.
                if count > 0 {
                    let labels = [("method", meter.method), ("route", meter.route), ("status", status)];
                    family.encode_family(&labels)?.encode_counter::<NoLabelSet, u64, f64>(&count, None)?;
                }
            }
        }

        let help = "Time from the head of a request to the head of its reply";
        let mut family = encoder.encode_descriptor("http_request_duration_seconds", help, None, histogram)?;
        for meter in self.meters().filter(|meter| meter.was_used()) {
            let bounds = BOUNDS.iter().map(|bound| *bound as f64 / 1e6).chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> =
                bounds.zip(&meter.by_time).map(|(bound, count)| (bound, count.load(Ordering::Relaxed))).collect();
            let all = buckets.iter().map(|(_, count)| count).sum();
            let seconds = meter.micros.load(Ordering::Relaxed) as f64 / 1e6;
            let labels = [("method", meter.method), ("route", meter.route)];
            family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(seconds, all, &buckets, None)?;
        }

        let help = "Requests in progress";
        let mut running = encoder.encode_descriptor("http_requests_running", help, None, gauge)?;
        running.encode_gauge(&self.running.load(Ordering::Relaxed))?;

        let help = "Refused and failed requests by problem code";
        let mut family = encoder.encode_descriptor("http_refusals", help, None, count)?;
        for (code, count) in &self.refusals {
            let count = count.load(Ordering::Relaxed);
            family.encode_family(&[("code", *code)])?.encode_counter::<NoLabelSet, u64, f64>(&count, None)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unlisted_labels_are_counted_as_other() {
        let requests = Requests::new([("GET", "/a"), ("POST", "/a")], ["not_found"]);
        assert_eq!(requests.for_route("GET", Some("/a")).method, "GET");
        for odd in ["PATCH", "HACK", "get", ""] {
            let meter = requests.for_route(odd, Some("/a"));
            assert_eq!((meter.method, meter.route), ("other", "/a"));
            let meter = requests.for_route(odd, None);
            assert_eq!((meter.method, meter.route), ("other", "unknown"));
        }
        requests.count_refusal("alice@example.com");
        assert_eq!(requests.refusals[1].1.load(Ordering::Relaxed), 1);
        requests.for_route("GET", Some("/a")).record(299, Duration::ZERO);
        assert_eq!(requests.for_route("GET", Some("/a")).by_status[STATUSES.len()].load(Ordering::Relaxed), 1);
    }

    #[test]
    fn dropped_request_is_no_longer_running() {
        let requests = Requests::new([], []);
        let running = requests.start();
        assert_eq!(requests.running.load(Ordering::Relaxed), 1);
        drop(running);
        assert_eq!(requests.running.load(Ordering::Relaxed), 0);
    }
}
