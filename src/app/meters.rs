//! What is measured where, told to the registry in one place. Whoever adds a queue adds a line: to [`register`] for what its owner
//! knows at once, to [`Asked`] for what the database must be asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::timeout;

use super::routes::Mounted;
use super::services::Services;
use super::supervisor::Health;
use crate::base::clock::Clock;
use crate::features::auth::mail::{self, Backlog};
use crate::security::audit::hash_chain::{self, SealState};
use crate::security::authentication::passwords::Passwords;
use crate::security::detection::alerts::{AlertCounts, Alerts};
use crate::security::limits::connection_limits::ConnectionLimit;
use crate::security::limits::rate_limits::{RouteLimits, Tier};
use crate::telemetry::metrics::{Labelled, Metrics};
use crate::telemetry::traces::Delivered;

/// How long an answer of the database holds: a scrape must not be a way to make it work.
const HOLDS: Duration = Duration::from_secs(1);
/// How long it has for it; a scraper waits ten.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the database was asked for last, at a scrape.
pub struct Asked {
    pool: sqlx::PgPool,
    clock: Clock,
    at: Mutex<Option<Instant>>,
    /// `None`: it did not answer.
    mail: std::sync::Mutex<Option<Backlog>>,
    alerts: Alerts,
    told: std::sync::Mutex<Option<AlertCounts>>,
    seals: std::sync::Mutex<Option<SealState>>,
}

impl Asked {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(services: &Services) -> Self {
        let (pool, clock, alerts) = (services.pool.clone(), services.clock.clone(), services.alerts.clone());
        Self {
            pool,
            clock,
            at: Mutex::default(),
            mail: Default::default(),
            alerts,
            told: Default::default(),
            seals: Default::default(),
        }
    }

    /// Asks, unless it was asked just now.
    pub async fn refresh(&self) {
        let mut at = self.at.lock().await;
        if at.is_some_and(|at| at.elapsed() < HOLDS) {
            return;
        }
        let (mail, told, seals) = tokio::join!(
            timeout(PATIENCE, mail::backlog(&self.pool, &self.clock)),
            timeout(PATIENCE, self.alerts.counts()),
            timeout(PATIENCE, hash_chain::state(&self.pool))
        );
        *self.mail.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = mail.ok().and_then(Result::ok);
        *self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = told.ok().and_then(Result::ok);
        *self.seals.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = seals.ok().and_then(Result::ok);
        *at = Some(Instant::now());
    }

    fn seals(&self) -> Option<SealState> {
        *self.seals.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn told(&self) -> Option<AlertCounts> {
        *self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn mail(&self) -> Option<Backlog> {
        *self.mail.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Tells the registry where everything is read.
pub fn register(
    metrics: &Metrics,
    services: &Services,
    asked: &Arc<Asked>,
    endpoints: &Arc<Vec<Mounted>>,
    unknown: &RouteLimits,
) {
    let started = services.clock.now().timestamp();
    metrics.gauge("start_time_seconds", "When the process began, as Unix time", move || whole(started));
    let version = ("version", env!("CARGO_PKG_VERSION"));
    metrics.gauges(
        "build_info",
        "Which build runs; the value is 1",
        version.0,
        vec![(version.1, Box::new(|| Some(1.0)))],
    );

    let passwords = services.credentials.passwords.clone();
    let read = move |value: fn(&Passwords) -> usize| {
        let passwords = passwords.clone();
        move || whole(value(&passwords))
    };
    metrics.gauge(
        "password_hash_slots",
        "Password hashes that can run at once",
        read(|passwords| passwords.queue().slots()),
    );
    metrics.gauge("password_hashes_running", "Password hashes that run", read(|passwords| passwords.queue().running()));
    metrics.gauge(
        "password_hashes_waiting",
        "Requests that wait for a hash",
        read(|passwords| passwords.queue().waiting()),
    );
    metrics.counter("password_hashes", "Password hashes made", read(Passwords::hashes));
    metrics.counter(
        "password_hashes_refused",
        "Hashes refused: too many waited",
        read(|passwords| passwords.queue().refused()),
    );

    database(metrics, services, asked);
    security(metrics, services, asked);
    let live = services.live.clone();
    metrics.gauge("live_sockets", "WebSockets that are open", move || whole(live.places.taken()));
    let announcements = services.announcements.clone();
    let help = "1: what the database announces is heard; 0: sockets are told of no change";
    metrics.gauge("announcements_heard", help, move || Some(if announcements.heard() { 1.0 } else { 0.0 }));
    let revocations = services.authenticator.revocations.clone();
    let help = "1: ended sessions are read each second; 0: each request asks the database for its session";
    metrics.gauge("ended_sessions_read", help, move || Some(if revocations.is_current() { 1.0 } else { 0.0 }));
    metrics.gauges("limiter_keys", "Addresses and users that a rate limit remembers", "tier", keys(endpoints, unknown));
}

fn security(metrics: &Metrics, services: &Services, asked: &Arc<Asked>) {
    let (waiting, lost) = (services.recorder.clone(), services.recorder.clone());
    let help = "Security events that wait to be written";
    metrics.gauge("security_events_waiting", help, move || whole(waiting.queued()));
    let help = "Security events that have no row: they are in the log alone";
    metrics.counter("security_events_lost", help, move || whole(lost.lost()));
    let (oldest, triggers) = (asked.clone(), asked.clone());
    let help = "Age of the security event that has waited longest for its seal";
    metrics.gauge("security_events_unsealed_oldest_seconds", help, move || Some(oldest.seals()?.oldest_seconds));
    let help = "Triggers of the audit trail that are missing or disabled";
    metrics.gauge("security_event_triggers_missing", help, move || whole(triggers.seals()?.triggers_missing));
    let of = |read: fn(AlertCounts) -> i64| {
        let asked = asked.clone();
        move || asked.told().and_then(|told| whole(read(told)))
    };
    metrics.gauge("alerts_open", "Alerts that go on", of(|told| told.open));
    let messages: Vec<Labelled> =
        vec![("waiting", Box::new(of(|told| told.waiting))), ("given_up", Box::new(of(|told| told.failed)))];
    metrics.gauges("alert_outbox", "Messages of alerts that have not been delivered", "state", messages);
}

fn database(metrics: &Metrics, services: &Services, asked: &Arc<Asked>) {
    let most = services.settings.database.max_connections;
    metrics.gauge("database_connections_max", "Size of the pool", move || whole(most));
    let (pool, idle) = (services.pool.clone(), services.pool.clone());
    let states: Vec<Labelled> = vec![
        ("in_use", Box::new(move || whole((pool.size() as usize).saturating_sub(pool.num_idle())))),
        ("idle", Box::new(move || whole(idle.num_idle()))),
    ];
    metrics.gauges("database_connections", "Connections of the pool", "state", states);

    let of = |read: fn(Backlog) -> Option<f64>| {
        let asked = asked.clone();
        move || asked.mail().and_then(read)
    };
    let exhaustion = services.exhaustion.clone();
    let help = "1: within the last minute the database refused a statement for lack of disk or memory";
    metrics.gauge("database_exhausted", help, move || Some(if exhaustion.is_current() { 1.0 } else { 0.0 }));
    let up = asked.clone();
    let help = "1: the database answered at this scrape";
    metrics.gauge("database_up", help, move || Some(if up.mail().is_some() { 1.0 } else { 0.0 }));
    let depth: Vec<Labelled> = vec![
        ("waiting", Box::new(of(|mail| whole(mail.waiting)))),
        ("given_up", Box::new(of(|mail| whole(mail.given_up)))),
    ];
    metrics.gauges("mail_outbox", "Mails that have not been delivered", "state", depth);
    let help = "Age of the mail that has waited longest";
    metrics.gauge("mail_outbox_oldest_seconds", help, of(|mail| whole(mail.oldest_seconds)));
}

fn keys(endpoints: &Arc<Vec<Mounted>>, unknown: &RouteLimits) -> Vec<Labelled> {
    let of_tier = |tier: Tier| -> Labelled {
        let (endpoints, unknown) = (endpoints.clone(), unknown.clone());
        let read = move || {
            let of_tier = endpoints.iter().filter(|mounted| mounted.endpoint.tier == tier);
            let elsewhere = if tier == Tier::UnknownPath { unknown.keys() } else { 0 };
            let limits = of_tier.filter_map(|mounted| mounted.limits.as_ref());
            whole(limits.map(RouteLimits::keys).sum::<usize>() + elsewhere)
        };
        (tier.name(), Box::new(read))
    };
    Tier::LIMITED.map(of_tier).into()
}

/// The API's connections and TLS handshakes.
pub fn register_connections(metrics: &Metrics, connections: &Arc<ConnectionLimit>, handshakes: &Arc<ConnectionLimit>) {
    let (shaking, unshaken) = (handshakes.clone(), handshakes.clone());
    metrics.gauge("tls_handshakes", "TLS handshakes under way", move || whole(shaking.open()));
    let help = "TLS connections closed at once: too many handshakes were under way";
    metrics.counter("tls_handshakes_refused", help, move || whole(unshaken.refused()));
    let (open, refused) = (connections.clone(), connections.clone());
    metrics.gauge("connections_open", "Connections of clients", move || whole(open.open()));
    let help = "Connections closed at once: a cap was reached";
    metrics.counter("connections_refused", help, move || whole(refused.refused()));
}

/// The background workers.
pub fn register_workers(metrics: &Metrics, workers: &[Arc<Health>]) {
    let of = |read: fn(&Health) -> u64| -> Vec<Labelled> {
        let of_worker = |worker: &Arc<Health>| -> Labelled {
            let (name, worker) = (worker.name, worker.clone());
            (name, Box::new(move || whole(read(&worker))))
        };
        workers.iter().map(of_worker).collect()
    };
    let help = "1: the background worker runs; 0: it waits for its restart, or has ended";
    metrics.gauges("worker_running", help, "worker", of(|worker| worker.is_running().into()));
    metrics.counters(
        "worker_restarts",
        "Restarts of a background worker after a panic",
        "worker",
        of(Health::restarts),
    );
}

/// What became of the traces, where any are sent.
pub fn register_traces(metrics: &Metrics, delivered: &Arc<Delivered>) {
    let of = |read: fn(&Delivered) -> &AtomicU64| {
        let delivered = delivered.clone();
        Box::new(move || whole(read(&delivered).load(Ordering::Relaxed)))
    };
    let outcomes: Vec<Labelled> = vec![("sent", of(|d| &d.sent)), ("lost", of(|d| &d.lost))];
    metrics.counters("trace_spans", "Spans that left, or that the collector did not take", "outcome", outcomes);
}

#[allow(
    clippy::cast_precision_loss,
    clippy::unnecessary_wraps,
    reason = "counts stay far below 2^53; a reading may be absent"
)]
fn whole(number: impl TryInto<i64>) -> Option<f64> {
    number.try_into().ok().map(|number| number as f64)
}
