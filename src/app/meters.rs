//! Registers all gauges and counters. To add a metric, extend [`register`].
//! For a value from the database, also extend [`ScrapeCache`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::time::timeout;

use super::routes::Mounted;
use super::services::Services;
use super::supervisor::Health;
use crate::base::clock::Clock;
use crate::db::outbox::Backlog;
use crate::features::auth::mail;
use crate::security::audit::hash_chain::{self, SealState};
use crate::security::authentication::passwords::Passwords;
use crate::security::detection::alerts::{AlertCounts, Alerts};
use crate::security::limits::connection_limits::ConnectionLimit;
use crate::security::limits::rate_limits::{RouteLimits, Tier};
use crate::telemetry::metrics::{Labelled, Metrics};
use crate::telemetry::traces::DeliveryCounts;

/// The lifetime of values in [`ScrapeCache`]. It limits the queries, so frequent scrapes cannot overload the database.
const CACHE_LIFETIME: Duration = Duration::from_secs(1);
/// Timeout of one query. Prometheus ends a scrape after ten seconds, so a slow query must not delay the reply for long.
const QUERY_TIMEOUT: Duration = Duration::from_secs(2);

/// Caches values from the database between scrapes.
pub struct ScrapeCache {
    pool: sqlx::PgPool,
    clock: Clock,
    alerts: Alerts,
    at: tokio::sync::Mutex<Option<Instant>>,
    values: Mutex<CachedValues>,
}

/// A value is `None` if its query failed.
#[derive(Default)]
struct CachedValues {
    mail: Option<Backlog>,
    alert_counts: Option<AlertCounts>,
    seals: Option<SealState>,
}

impl ScrapeCache {
    #[must_use]
    pub fn new(services: &Services) -> Self {
        let (pool, clock, alerts) = (services.pool.clone(), services.clock.clone(), services.alerts.clone());
        Self { pool, clock, alerts, at: Default::default(), values: Mutex::default() }
    }

    /// Reads the values from the database, unless the cache is younger than `CACHE_LIFETIME`.
    pub async fn refresh(&self) {
        let mut at = self.at.lock().await;
        if at.is_some_and(|at| at.elapsed() < CACHE_LIFETIME) {
            return;
        }
        let (mail, alert_counts, seals) = tokio::join!(
            timeout(QUERY_TIMEOUT, mail::backlog(&self.pool, &self.clock)),
            timeout(QUERY_TIMEOUT, self.alerts.counts()),
            timeout(QUERY_TIMEOUT, hash_chain::state(&self.pool))
        );
        *self.values.lock() = CachedValues {
            mail: mail.ok().and_then(Result::ok),
            alert_counts: alert_counts.ok().and_then(Result::ok),
            seals: seals.ok().and_then(Result::ok),
        };
        *at = Some(Instant::now());
    }
}

pub fn register(
    metrics: &Metrics,
    services: &Services,
    cache: &Arc<ScrapeCache>,
    endpoints: &Arc<Vec<Mounted>>,
    unknown: &RouteLimits,
) {
    let started = services.clock.now().timestamp();
    metrics.gauge("start_time_seconds", "Start time of the process, as Unix time", move || as_f64(started));
    let version = ("version", env!("CARGO_PKG_VERSION"));
    metrics.gauges(
        "build_info",
        "Version of the build; the value is 1",
        version.0,
        vec![(version.1, Box::new(|| Some(1.0)))],
    );

    let passwords = services.credentials.passwords.clone();
    let read = move |value: fn(&Passwords) -> usize| {
        let passwords = passwords.clone();
        move || as_f64(value(&passwords))
    };
    metrics.gauge(
        "password_hash_slots",
        "Maximum number of concurrent password hashes",
        read(|passwords| passwords.queue().slots()),
    );
    metrics.gauge("password_hashes_running", "Running password hashes", read(|passwords| passwords.queue().running()));
    metrics.gauge(
        "password_hashes_waiting",
        "Requests that wait for a hash slot",
        read(|passwords| passwords.queue().waiting()),
    );
    metrics.counter("password_hashes", "Completed password hashes", read(Passwords::hashes));
    metrics.counter(
        "password_hashes_refused",
        "Password hashes refused because too many requests were waiting",
        read(|passwords| passwords.queue().refused()),
    );

    database(metrics, services, cache);
    security(metrics, services, cache);
    let live = services.live.clone();
    metrics.gauge("live_sockets", "Open WebSockets", move || as_f64(live.permits.open()));
    let announcements = services.announcements.clone();
    let help = "1 if this replica receives database notifications; 0 if it learns of ended sessions only by polling";
    metrics.gauge("announcements_heard", help, move || Some(if announcements.is_listening() { 1.0 } else { 0.0 }));
    let revocations = services.authenticator.revocations.clone();
    let help = "1 if ended sessions are read every second; 0 if each request reads its session from the database";
    metrics.gauge("ended_sessions_read", help, move || Some(if revocations.is_current() { 1.0 } else { 0.0 }));
    metrics.gauges("limiter_keys", "Addresses and users in a rate limiter", "tier", keys(endpoints, unknown));
}

fn security(metrics: &Metrics, services: &Services, cache: &Arc<ScrapeCache>) {
    let (waiting, lost) = (services.recorder.clone(), services.recorder.clone());
    let help = "Security events that wait to be written";
    metrics.gauge("security_events_waiting", help, move || as_f64(waiting.queued()));
    let help = "Security events that were not stored in the database; only the log contains them";
    metrics.counter("security_events_lost", help, move || as_f64(lost.lost()));
    let (oldest, triggers) = (cache.clone(), cache.clone());
    let help = "Age of the oldest security event that is not in the hash chain yet";
    metrics.gauge("security_events_unsealed_oldest_seconds", help, move || {
        Some(oldest.values.lock().seals?.oldest_seconds)
    });
    let help = "Missing or disabled triggers of the audit trail";
    metrics
        .gauge("security_event_triggers_missing", help, move || as_f64(triggers.values.lock().seals?.triggers_missing));
    let of = |read: fn(AlertCounts) -> i64| {
        let cache = cache.clone();
        move || cache.values.lock().alert_counts.and_then(|counts| as_f64(read(counts)))
    };
    metrics.gauge("alerts_open", "Open alerts", of(|numbers| numbers.open));
    let messages: Vec<Labelled> = vec![
        ("waiting", Box::new(of(|numbers| numbers.waiting))),
        ("given_up", Box::new(of(|numbers| numbers.failed))),
    ];
    metrics.gauges("alert_outbox", "Undelivered alert messages", "state", messages);
}

fn database(metrics: &Metrics, services: &Services, cache: &Arc<ScrapeCache>) {
    let max = services.settings.database.max_connections;
    metrics.gauge("database_connections_max", "Size of the connection pool", move || as_f64(max));
    let (pool, idle) = (services.pool.clone(), services.pool.clone());
    let states: Vec<Labelled> = vec![
        ("in_use", Box::new(move || as_f64((pool.size() as usize).saturating_sub(pool.num_idle())))),
        ("idle", Box::new(move || as_f64(idle.num_idle()))),
    ];
    metrics.gauges("database_connections", "Connections in the pool", "state", states);

    let of = |read: fn(Backlog) -> Option<f64>| {
        let cache = cache.clone();
        move || cache.values.lock().mail.clone().and_then(read)
    };
    let exhaustion = services.exhaustion.clone();
    let help = "1 if a statement failed within the last minute because the database is out of disk or memory";
    metrics.gauge("database_exhausted", help, move || Some(if exhaustion.is_current() { 1.0 } else { 0.0 }));
    let up = cache.clone();
    let help = "1 if the database responded at this scrape";
    metrics.gauge("database_up", help, move || Some(if up.values.lock().mail.is_some() { 1.0 } else { 0.0 }));
    let depth: Vec<Labelled> = vec![
        ("waiting", Box::new(of(|mail| as_f64(mail.waiting)))),
        ("given_up", Box::new(of(|mail| as_f64(mail.given_up)))),
    ];
    metrics.gauges("mail_outbox", "Undelivered mails", "state", depth);
    let help = "Age of the oldest undelivered mail";
    metrics.gauge("mail_outbox_oldest_seconds", help, of(|mail| as_f64(mail.oldest_seconds)));
}

fn keys(endpoints: &Arc<Vec<Mounted>>, unknown: &RouteLimits) -> Vec<Labelled> {
    let of_tier = |tier: Tier| -> Labelled {
        let (endpoints, unknown) = (endpoints.clone(), unknown.clone());
        let read = move || {
            let of_tier = endpoints.iter().filter(|mounted| mounted.endpoint.tier == tier);
            let elsewhere = if tier == Tier::UnknownPath { unknown.keys() } else { 0 };
            let limits = of_tier.filter_map(|mounted| mounted.limits.as_ref());
            as_f64(limits.map(RouteLimits::keys).sum::<usize>() + elsewhere)
        };
        (tier.name(), Box::new(read))
    };
    Tier::LIMITED.map(of_tier).into()
}

pub fn register_connections(metrics: &Metrics, connections: &Arc<ConnectionLimit>, handshakes: &Arc<ConnectionLimit>) {
    let (shaking, unshaken) = (handshakes.clone(), handshakes.clone());
    metrics.gauge("tls_handshakes", "Running TLS handshakes", move || as_f64(shaking.open()));
    let help = "TLS connections refused because too many handshakes were running";
    metrics.counter("tls_handshakes_refused", help, move || as_f64(unshaken.refused()));
    let (open, refused) = (connections.clone(), connections.clone());
    metrics.gauge("connections_open", "Open connections", move || as_f64(open.open()));
    let help = "Connections refused by a connection limit";
    metrics.counter("connections_refused", help, move || as_f64(refused.refused()));
}

pub fn register_workers(metrics: &Metrics, workers: &[Arc<Health>]) {
    let of = |read: fn(&Health) -> u64| -> Vec<Labelled> {
        let of_worker = |worker: &Arc<Health>| -> Labelled {
            let (name, worker) = (worker.name, worker.clone());
            (name, Box::new(move || as_f64(read(&worker))))
        };
        workers.iter().map(of_worker).collect()
    };
    let help = "1 if the background worker is running; 0 if it waits for a restart or has ended";
    metrics.gauges("worker_running", help, "worker", of(|worker| worker.is_running().into()));
    metrics.counters(
        "worker_restarts",
        "Restarts of a background worker after a panic",
        "worker",
        of(Health::restarts),
    );
}

/// Registers the counts of sent and lost spans. Call it only if traces are exported.
pub fn register_traces(metrics: &Metrics, delivered: &Arc<DeliveryCounts>) {
    let of = |read: fn(&DeliveryCounts) -> &AtomicU64| {
        let delivered = delivered.clone();
        Box::new(move || as_f64(read(&delivered).load(Ordering::Relaxed)))
    };
    let outcomes: Vec<Labelled> = vec![("sent", of(|d| &d.sent)), ("lost", of(|d| &d.lost))];
    metrics.counters("trace_spans", "Exported and lost spans", "outcome", outcomes);
}

#[allow(
    clippy::cast_precision_loss,
    clippy::unnecessary_wraps,
    reason = "counts stay far below 2^53; callers expect an Option"
)]
fn as_f64(number: impl TryInto<i64>) -> Option<f64> {
    number.try_into().ok().map(|number| number as f64)
}
