//! The background workers of the service, and the order in which they end at shutdown.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::routes::Mounted;
use super::services::Services;
use super::supervisor::{Health, Stage, Supervisor, Worker};
use super::tls::Certificate;
use super::wiring::WiringError;
use crate::db::idempotency;
use crate::db::outbox::{self, OutboxWorker};
use crate::features::auth::mail::MailSender;
use crate::features::demo::attack_accounts;
use crate::features::documents::blob_deletion_store::BlobDeletionQueue;
use crate::features::live;
use crate::features::live::reader::ChangeReader;
use crate::security::audit::context::background_sync;
use crate::security::audit::event::{Event, EventKind};
use crate::security::audit::hash_chain::ChainWriter;
use crate::security::communication::outbound::{OutboundClient, SystemResolver};
use crate::security::detection::alerts::AlertWorker;
use crate::security::detection::rules::writer::Writer;
use crate::security::limits::connection_limits::ConnectionLimit;
use crate::security::limits::rate_limits::RouteLimits;

/// Maximum time for deliveries in progress at shutdown. An alert can end in this time, because its timeout is shorter.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(6);
/// Maximum time for writing the last security events at shutdown, and for sealing them in the hash chain.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
const SWEEP_INTERVAL: Duration = Duration::from_secs(600);
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// What workers need in addition to [`Services`].
pub struct WorkerInputs {
    pub endpoints: Arc<Vec<Mounted>>,
    pub unknown: RouteLimits,
    pub connections: Arc<ConnectionLimit>,
    pub certificate: Option<Arc<Certificate>>,
}

pub struct Workers {
    services: Services,
    mail: Arc<OutboxWorker<MailSender>>,
    alerts: Arc<AlertWorker>,
    deletions: Arc<OutboxWorker<BlobDeletionQueue>>,
    chain_writer: Arc<ChainWriter>,
    supervisor: Supervisor,
}

impl Workers {
    /// Starts all workers.
    ///
    /// # Errors
    /// Fails if mail or alerts cannot be sent with these settings.
    pub fn start(services: &Services, inputs: WorkerInputs) -> Result<Self, WiringError> {
        let Services { recorder, pool, exhaustion, keys, clock, .. } = services;
        let mail = Arc::new(mail_worker(services)?);
        let alerts = Arc::new(alert_worker(services)?);
        let deletions = Arc::new(deletion_worker(services));
        let chain_writer = Arc::new(ChainWriter::new(pool.clone(), keys.clone(), clock.clone()));
        let writer = Arc::new(Writer {
            recorder: recorder.clone(),
            pool: pool.clone(),
            rules: services.rules(),
            exhaustion: exhaustion.clone(),
        });
        let mut workers = immediate(services, inputs);
        workers.extend([
            Worker::new("mail", Stage::Delivery, mail.clone(), |mail| async move { mail.run().await }),
            Worker::new("alerts", Stage::Delivery, alerts.clone(), |alerts| async move { alerts.run().await }),
            Worker::new("blob_deletion", Stage::Delivery, deletions.clone(), |it| async move { it.run().await }),
            Worker::new("event_writer", Stage::Recording, writer, |writer| async move { writer.run().await }),
            Worker::new("hash_chain", Stage::Sealing, chain_writer.clone(), |chain_writer| async move {
                chain_writer.run().await
            }),
        ]);
        let supervisor = Supervisor::start(workers, recorder);
        Ok(Self { services: services.clone(), mail, alerts, deletions, chain_writer, supervisor })
    }

    #[must_use]
    pub fn health(&self) -> Vec<Arc<Health>> {
        self.supervisor.health()
    }

    /// Ends all workers at once, as if the process were killed. Only tests use it.
    pub fn abort(&self) {
        self.supervisor.abort();
    }

    /// Ends the workers in stages: deliveries finish, then all events are written, then sealed in the hash chain.
    /// Call this method only after the last request has ended, because a request can still record events.
    pub async fn stop(self) {
        let Self { services, mail, alerts, deletions, chain_writer, mut supervisor } = self;
        let recorder = &services.recorder;
        supervisor.end_immediate();
        services.authenticator.revocations.last_uses.write().await;
        mail.stop();
        alerts.stop();
        deletions.stop();
        if !supervisor.ended(Stage::Delivery, DELIVERY_TIMEOUT).await {
            tracing::warn!("a delivery did not end in time; it is repeated after the next start");
        }
        background_sync(recorder, || Event::new(EventKind::SysShutdown).record());
        recorder.close();
        if !supervisor.ended(Stage::Recording, WRITE_TIMEOUT).await {
            tracing::error!(lost = recorder.queued(), "security events are lost: the database does not accept them");
        }
        chain_writer.stop();
        // Do not abort the chain writer. Its open transaction would still lock the hash chain.
        let is_idle = supervisor.ended(Stage::Sealing, WRITE_TIMEOUT).await;
        let sealed = timeout(WRITE_TIMEOUT, chain_writer.seal_remaining()).await;
        if !is_idle || !matches!(sealed, Ok(Ok(()))) {
            tracing::warn!(
                ?sealed,
                "the last security events are not sealed; another replica or the next start seals them"
            );
        }
    }
}

/// Returns the workers that can be aborted at any point.
/// The worker `announcements` publishes notifications, so its subscribers come before it in the list.
fn immediate(services: &Services, inputs: WorkerInputs) -> Vec<Worker> {
    let Services { pool, live, announcements, purge, uploads, .. } = services;
    let (revocations, deletions) = (&services.authenticator.revocations, &uploads.deletions);
    let WorkerInputs { endpoints, unknown, connections, certificate } = inputs;
    let sweeper = (services.clone(), endpoints, unknown);
    let now = Stage::Immediate;
    let mut workers = vec![
        Worker::new(
            "revocations",
            now,
            (revocations.clone(), announcements.clone()),
            |(revocations, announcements)| {
                let announced = announcements.subscribe();
                async move { revocations.follow_notifications(announced).await }
            },
        ),
        Worker::new("live", now, (live.clone(), pool.clone()), |(live, pool)| async move {
            live.follow(ChangeReader::new(pool)).await;
        }),
        Worker::new("announcements", now, announcements.clone(), |it| async move { it.listen().await }),
        Worker::new("ended_sessions", now, revocations.clone(), |it| async move { it.poll_ended_sessions().await }),
        Worker::new("session_uses", now, revocations.clone(), |it| async move { it.last_uses.run().await }),
        Worker::new("account_purge", now, (purge.clone(), deletions.clone()), |(purge, deletions)| async move {
            purge.run(|| deletions.notify()).await;
        }),
        Worker::new("refused_connections", now, connections, report_refused),
        Worker::new("sweeper", now, sweeper, |(services, endpoints, unknown)| async move {
            let mut interval = tokio::time::interval(SWEEP_INTERVAL);
            loop {
                interval.tick().await;
                sweep(&services).await;
                let limits = endpoints.iter().filter_map(|mounted| mounted.limits.as_ref());
                limits.chain([&unknown]).for_each(RouteLimits::sweep);
            }
        }),
    ];
    workers.extend(certificate.map(|it| Worker::new("certificate", now, it, |it| async move { it.watch().await })));
    workers
}

fn mail_worker(services: &Services) -> Result<OutboxWorker<MailSender>, WiringError> {
    let Services { pool, keys, settings, clock, mail_notifier, .. } = services;
    let sender = MailSender::new(pool.clone(), keys.clone(), settings, clock.clone())
        .map_err(|error| WiringError::Mail(error.to_string()))?;
    Ok(OutboxWorker::new(sender, pool.clone(), clock.clone(), mail_notifier.clone()))
}

fn alert_worker(services: &Services) -> Result<AlertWorker, WiringError> {
    let Services { pool, alerts, settings, clock, .. } = services;
    let to = &settings.alerts;
    let client = OutboundClient::new(to.webhooks(), to.ca.as_deref(), settings.profile, Arc::new(SystemResolver))?;
    Ok(AlertWorker::new(pool.clone(), alerts.clone(), to, &Arc::new(client), clock.clone()))
}

fn deletion_worker(services: &Services) -> OutboxWorker<BlobDeletionQueue> {
    let Services { pool, clock, uploads, .. } = services;
    OutboxWorker::new(uploads.deletions.clone(), pool.clone(), clock.clone(), uploads.deletions.notifier.clone())
}

/// Records one event for all connections that a limit has refused since the last event.
/// One event for each refused connection would let a flood of connections fill the database.
async fn report_refused(connections: Arc<ConnectionLimit>) {
    let mut interval = tokio::time::interval(REPORT_INTERVAL);
    let mut reported = 0;
    loop {
        interval.tick().await;
        let refused = connections.refused();
        if refused > reported {
            Event::new(EventKind::ExcessRateLimitExceeded).reason("connections").amount(refused - reported).record();
            reported = refused;
        }
    }
}

async fn sweep(services: &Services) {
    services.authenticator.revocations.sweep();
    services.quotas.sweep();
    services.purge.wake();
    let swept = [
        services.credentials.throttle.sweep().await,
        services.auth.sweep(services.settings.jwt.ttl).await,
        services.live.tickets.sweep().await,
        services.alerts.sweep(services.clock.now()).await,
        services.rules().sweep(&services.pool, services.clock.now()).await,
        outbox::sweep(&services.pool, services.clock.now()).await.map_err(Into::into),
        idempotency::sweep(&services.pool).await.map_err(Into::into),
        live::store::sweep(&services.pool).await.map_err(Into::into),
        attack_accounts::store::delete_old(&services.demo_services()).await,
    ];
    if let Err(error) = services.uploads.deletions.sweep().await {
        tracing::warn!(cause = ?error, "failed to delete partial uploads; the next sweep retries");
    }
    for error in swept.into_iter().filter_map(Result::err) {
        tracing::warn!(%error, "failed to delete expired rows");
    }
}
