//! Work beside the requests, and the order in which it ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::routes::Mounted;
use super::services::{Services, WiringError};
use crate::db::idempotency;
use crate::features::auth::mail::MailWorker;
use crate::security::audit::context::{background, within};
use crate::security::audit::event::{Event, EventKind};
use crate::security::audit::hash_chain::Sealer;
use crate::security::audit::recorder::Recorder;
use crate::security::communication::outbound::{Door, SystemLookup};
use crate::security::detection::alerts::AlertWorker;
use crate::security::detection::rules::writer::Writer;
use crate::security::limits::connection_limits::ConnectionLimit;
use crate::security::limits::rate_limits::RouteLimits;

/// Longer than one delivery of an alert takes at most.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(6);
/// What waits to be recorded at the end has this long.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
const SWEEP_INTERVAL: Duration = Duration::from_secs(600);
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// The running workers.
pub struct Workers {
    services: Services,
    mail: (Arc<MailWorker>, JoinHandle<()>),
    alerts: (Arc<AlertWorker>, JoinHandle<()>),
    writer: JoinHandle<()>,
    sealer: (Arc<Sealer>, JoinHandle<()>),
    /// Those that can end at any moment.
    others: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts all of them.
    ///
    /// # Errors
    /// Mail or alerts cannot be sent with these settings.
    pub fn start(
        services: &Services,
        endpoints: Arc<Vec<Mounted>>,
        unknown: RouteLimits,
        connections: Arc<ConnectionLimit>,
    ) -> Result<Self, WiringError> {
        let recorder = &services.recorder;
        let mail = Arc::new(mail_worker(services)?);
        let alerts = Arc::new(alert_worker(services)?);
        let writer = Writer {
            recorder: recorder.clone(),
            pool: services.pool.clone(),
            rules: services.rules(),
            exhaustion: services.exhaustion.clone(),
        };
        let sealer = Arc::new(Sealer::new(services.pool.clone(), services.keys.clone(), services.clock.clone()));
        let revocations = services.authenticator.revocations.clone();
        let (ends, uses) = (revocations.clone(), revocations.clone());
        let (live, announcements) = (services.live.clone(), services.announcements.clone());
        let (of_sessions, of_objects) = (announcements.follow(), announcements.follow());
        let removals = services.intake.removals.clone();
        let (purge, purged_bytes) = (services.purge.clone(), removals.clone());
        let (swept, sweeping_mail) = (services.clone(), mail.clone());
        let others = vec![
            spawn(recorder, async move { revocations.follow(of_sessions).await }),
            spawn(recorder, async move { ends.read_ends().await }),
            spawn(recorder, async move { uses.last_uses.run().await }),
            spawn(recorder, async move { live.follow(of_objects).await }),
            spawn(recorder, async move { announcements.listen().await }),
            spawn(recorder, async move { removals.run().await }),
            spawn(recorder, async move { purge.run(|| purged_bytes.ring()).await }),
            spawn(recorder, report_refused(connections)),
            spawn(recorder, async move {
                let mut every = tokio::time::interval(SWEEP_INTERVAL);
                loop {
                    every.tick().await;
                    sweep(&swept, &sweeping_mail).await;
                    let limits = endpoints.iter().filter_map(|mounted| mounted.limits.as_ref());
                    limits.chain([&unknown]).for_each(RouteLimits::sweep);
                }
            }),
        ];
        let writer = spawn(recorder, async move { writer.run().await });
        let (sealing, mailing, alerting) = (sealer.clone(), mail.clone(), alerts.clone());
        Ok(Self {
            services: services.clone(),
            sealer: (sealer, spawn(recorder, async move { sealing.run().await })),
            mail: (mail, spawn(recorder, async move { mailing.run().await })),
            alerts: (alerts, spawn(recorder, async move { alerting.run().await })),
            writer,
            others,
        })
    }

    /// Adds one that can end at any moment.
    pub fn add(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.others.push(spawn(&self.services.recorder, work));
    }

    /// Ends all of them at once, as a killed process does.
    pub fn abort(&self) {
        let named = [&self.mail.1, &self.alerts.1, &self.sealer.1, &self.writer];
        self.others.iter().chain(named).for_each(JoinHandle::abort);
    }

    /// Deliveries under way end first, then every event is written, then all of them are sealed. No request may run any more.
    pub async fn stop(self) {
        self.others.iter().for_each(JoinHandle::abort);
        self.services.authenticator.revocations.last_uses.write().await;
        self.mail.0.stop();
        self.alerts.0.stop();
        let delivered = async { tokio::join!(self.mail.1, self.alerts.1) };
        if timeout(DELIVERY_TIMEOUT, delivered).await.is_err() {
            tracing::warn!("mail or an alert is still queued; it goes out after the next start");
        }
        let recorder = &self.services.recorder;
        within(recorder, || Event::new(EventKind::SysShutdown).record());
        recorder.close();
        if timeout(WRITE_TIMEOUT, self.writer).await.is_err() {
            tracing::error!(lost = recorder.waiting(), "security events are lost: the database does not take them");
        }
        self.sealer.0.stop();
        let sealed = async {
            // A seal that was cut short would hold the lock that the last one waits for.
            let _ = self.sealer.1.await;
            self.sealer.0.seal_last().await
        };
        match timeout(WRITE_TIMEOUT, sealed).await {
            Ok(Ok(())) => {}
            failed => {
                tracing::warn!(?failed, "the last security events are not sealed; another replica or start does it")
            }
        }
    }
}

/// Work beside the requests, whose events are kept too.
fn spawn(recorder: &Recorder, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let recorder = recorder.clone();
    tokio::spawn(async move { background(&recorder, work).await })
}

fn mail_worker(services: &Services) -> Result<MailWorker, WiringError> {
    let Services { pool, keys, settings, clock, mail_bell, .. } = services;
    MailWorker::new(pool.clone(), keys.clone(), settings, clock.clone(), mail_bell.clone())
        .map_err(|error| WiringError::Mail(error.to_string()))
}

fn alert_worker(services: &Services) -> Result<AlertWorker, WiringError> {
    let Services { pool, alerts, settings, clock, .. } = services;
    let to = &settings.alerts;
    let door = Door::new(to.webhooks(), to.ca.as_deref(), settings.profile, Arc::new(SystemLookup))?;
    Ok(AlertWorker::new(pool.clone(), alerts.clone(), to, Arc::new(door), clock.clone()))
}

/// One event for all connections that were closed at once since the last: a flood must not become a flood of rows.
async fn report_refused(connections: Arc<ConnectionLimit>) {
    let mut every = tokio::time::interval(REPORT_INTERVAL);
    let mut told = 0;
    loop {
        every.tick().await;
        let refused = connections.refused();
        if refused > told {
            Event::new(EventKind::ExcessRateLimitExceeded).reason("connections").amount(refused - told).record();
            told = refused;
        }
    }
}

/// Deletes rows that have expired.
async fn sweep(services: &Services, mail: &MailWorker) {
    services.authenticator.revocations.sweep();
    services.quotas.sweep();
    services.purge.wake();
    let swept = [
        services.credentials.throttle.sweep().await,
        services.auth.sweep(services.settings.jwt.ttl).await,
        services.live.tickets.sweep().await,
        services.alerts.sweep(services.clock.now()).await,
        services.rules().sweep(&services.pool, services.clock.now()).await,
        mail.sweep().await,
        idempotency::sweep(&services.pool).await.map_err(Into::into),
    ];
    if let Err(error) = services.intake.removals.sweep().await {
        tracing::warn!(cause = ?error, "failed to delete stored objects; the next sweep retries");
    }
    for error in swept.into_iter().filter_map(Result::err) {
        tracing::warn!(%error, "failed to delete expired rows");
    }
}
