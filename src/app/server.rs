//! The listeners, the work beside the requests, and how both end: no new connections, the running requests finish, the
//! queues drain, the pool closes.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::{Server, ServerHandle};
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinHandle;

use super::meters::{self, Asked};
use super::services::{Services, WiringError};
use super::tls::{self, Certificate, TlsError};
use super::{management, routes, stack};
use crate::base::clock::Clock;
use crate::config::Settings;
use crate::db::idempotency;
use crate::features::auth::mail::MailWorker;
use crate::security::log::alerts::AlertWorker;
use crate::security::log::context::{background, within};
use crate::security::log::event::{Event, EventKind};
use crate::security::log::recorder::{Recorder, Writer};
use crate::security::log::seals::Sealer;
use crate::security::outbound::{Door, SystemLookup};
use crate::security::rate_limits::RouteLimits;

/// A connection that says nothing is closed after this long; slow headers after twice as long.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// A client that takes nothing of its reply for so long loses its connection (Linux).
const TAKES_SOMETHING_WITHIN: Duration = Duration::from_secs(20);
/// Connections of one worker: more wait in the system's queue.
const MOST_CONNECTIONS: usize = 4_096;
pub(super) const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// What waits to be recorded at the end has this long.
const DRAINED_WITHIN: Duration = Duration::from_secs(5);
/// Longer than one delivery of an alert takes at most.
const DRAIN_WITHIN: Duration = Duration::from_secs(6);
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// Why the service does not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Wiring(#[from] WiringError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(
        "{address} cannot be listened on ({cause}): another program has it. End that one, or set {setting} to another address"
    )]
    Address { address: SocketAddr, setting: &'static str, cause: io::Error },
    #[error("the server cannot start: {0}")]
    Server(#[from] io::Error),
}

/// A service that serves.
pub struct Running {
    pub services: Services,
    pub http: SocketAddr,
    pub https: Option<SocketAddr>,
    pub management: SocketAddr,
    server: JoinHandle<io::Result<()>>,
    handle: ServerHandle,
    management_handle: ServerHandle,
    beside: Vec<JoinHandle<()>>,
    mail: JoinHandle<()>,
    mail_worker: Arc<MailWorker>,
    alerts: JoinHandle<()>,
    alert_worker: Arc<AlertWorker>,
    writer: JoinHandle<()>,
    sealer: Arc<Sealer>,
}

/// Binds, wires and serves until [`Running::stop`]. Call it inside an actix system.
///
/// # Errors
/// See [`StartError`].
pub fn start(
    settings: Arc<Settings>,
    database: PgConnectOptions,
    certificate: Option<Arc<Certificate>>,
    clock: Clock,
) -> Result<Running, StartError> {
    let services = Services::new(settings.clone(), database, clock)?;
    let (endpoints, unknown) = routes::with_limits(&settings).ok_or(WiringError::RateLimit)?;
    let endpoints = Arc::new(endpoints);

    let http = listen(settings.http.bind, "STRONGROOM_HTTP_BIND")?;
    let http_address = http.local_addr()?;
    let mut server = {
        let (services, endpoints, unknown) = (services.clone(), endpoints.clone(), unknown.clone());
        HttpServer::new(move || stack::application(&services, &endpoints, &unknown))
            .workers(settings.http.workers)
            .max_connections(MOST_CONNECTIONS)
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_WITHIN)
            .shutdown_timeout(settings.http.shutdown_grace.as_secs())
            .disable_signals()
            .listen(http)?
    };
    let mut https_address = None;
    let mut beside = Vec::new();
    let asked = Arc::new(Asked::new(&services));
    meters::register(&services.metrics, &services, &asked, &endpoints, &unknown);
    let management = listen(settings.management.bind, "STRONGROOM_MANAGEMENT_BIND")?;
    let management_address = management.local_addr()?;
    let private = certificate.clone().filter(|_| management::needs_tls(management_address));
    let management = management::serve(&services, asked, management, private)?;
    let management_handle = management.handle();
    beside.push(tokio::spawn(async move { drop(management.await) }));
    if let Some(certificate) = certificate {
        let https = listen(settings.tls.bind, "STRONGROOM_TLS_BIND")?;
        https_address = Some(https.local_addr()?);
        server = server.listen_rustls_0_23(https, tls::server_config(certificate.clone())?)?;
        beside.push(tokio::spawn(certificate.watch()));
    }

    let mail_worker = Arc::new(mail_worker(&services)?);
    let alert_worker = Arc::new(alert_worker(&services)?);
    let revocations = services.authenticator.revocations.clone();
    let (live, announcements) = (services.live.clone(), services.announcements.clone());
    let (of_sessions, of_objects) = (announcements.follow(), announcements.follow());
    let recorder = services.recorder.clone();
    let rules = services.rules();
    let writer = Writer { recorder: recorder.clone(), pool: services.pool.clone(), rules: rules.clone() };
    let writer = spawn(&recorder, async move { writer.run().await });
    let sealer =
        Arc::new(Sealer { pool: services.pool.clone(), keys: services.keys.clone(), clock: services.clock.clone() });
    beside.push(spawn(&recorder, {
        let sealer = sealer.clone();
        async move { sealer.run().await }
    }));
    beside.push(spawn(&recorder, async move { revocations.follow(of_sessions).await }));
    let (ends, uses) = (services.authenticator.revocations.clone(), services.authenticator.revocations.clone());
    beside.push(spawn(&recorder, async move { ends.read_ends().await }));
    beside.push(spawn(&recorder, async move { uses.last_uses.run().await }));
    beside.push(spawn(&recorder, async move { live.follow(of_objects).await }));
    beside.push(spawn(&recorder, async move { announcements.listen().await }));
    let removals = services.intake.removals.clone();
    beside.push(spawn(&recorder, async move { removals.run().await }));
    beside.push(spawn(&recorder, {
        let (services, mail_worker) = (services.clone(), mail_worker.clone());
        async move {
            let mut every = tokio::time::interval(SWEEP_EVERY);
            loop {
                every.tick().await;
                sweep(&services, &mail_worker).await;
                endpoints
                    .iter()
                    .filter_map(|mounted| mounted.limits.as_ref())
                    .chain([&unknown])
                    .for_each(RouteLimits::sweep);
            }
        }
    }));
    let mail = spawn(&recorder, {
        let worker = mail_worker.clone();
        async move { worker.run().await }
    });
    let alerts = spawn(&recorder, {
        let worker = alert_worker.clone();
        async move { worker.run().await }
    });
    let server: Server = server.run();
    let handle = server.handle();
    within(&recorder, || Event::new(EventKind::SysStartup).record());
    Ok(Running {
        services,
        http: http_address,
        https: https_address,
        management: management_address,
        server: tokio::spawn(server),
        handle,
        management_handle,
        beside,
        mail,
        mail_worker,
        alerts,
        alert_worker,
        writer,
        sealer,
    })
}

/// Work beside the requests, whose events are kept too.
fn spawn(recorder: &Recorder, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let recorder = recorder.clone();
    tokio::spawn(async move { background(&recorder, work).await })
}

fn listen(address: SocketAddr, setting: &'static str) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).map_err(|cause| StartError::Address { address, setting, cause })?;
    // Every connection has it from its listener. actix has no limit of its own for a reply that is not taken.
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&bound).set_tcp_user_timeout(Some(TAKES_SOMETHING_WITHIN))?;
    Ok(bound)
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

/// Old rows that nobody may see any more.
async fn sweep(services: &Services, mail: &MailWorker) {
    services.authenticator.revocations.sweep();
    let swept = [
        services.credentials.guard.sweep().await,
        services.auth.sweep(services.settings.jwt.ttl).await,
        services.live.tickets.sweep().await,
        services.alerts.sweep(services.clock.now()).await,
        services.rules().sweep(&services.pool, services.clock.now()).await,
        mail.sweep().await,
        idempotency::sweep(&services.pool).await.map_err(Into::into),
    ];
    if let Err(error) = services.intake.removals.sweep().await {
        tracing::warn!(cause = ?error, "bytes that are to go are still there");
    }
    for error in swept.into_iter().filter_map(Result::err) {
        tracing::warn!(%error, "old rows were not swept");
    }
}

impl Running {
    /// Waits until the server ends by itself, which it does on a fault of the operating system only.
    ///
    /// # Errors
    /// That fault.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.server).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Ends at once, as a killed process does.
    pub fn abort(self) {
        drop(self.handle.stop(false));
        drop(self.management_handle.stop(false));
        self.beside.iter().chain([&self.mail, &self.alerts, &self.writer]).for_each(JoinHandle::abort);
    }

    /// No new connections; sockets are told; running requests finish within the grace; then what works beside them.
    pub async fn stop(self) {
        self.services.live.close();
        self.handle.stop(true).await;
        self.management_handle.stop(true).await;
        self.beside.iter().for_each(JoinHandle::abort);
        self.mail_worker.stop();
        self.alert_worker.stop();
        let drained = async { tokio::join!(self.mail, self.alerts) };
        if tokio::time::timeout(DRAIN_WITHIN, drained).await.is_err() {
            tracing::warn!("mail or an alert is still queued; it goes out after the next start");
        }
        self.services.authenticator.revocations.last_uses.write().await;
        let recorder = &self.services.recorder;
        within(recorder, || Event::new(EventKind::SysShutdown).record());
        recorder.close();
        if tokio::time::timeout(DRAINED_WITHIN, self.writer).await.is_err() {
            tracing::error!(lost = recorder.waiting(), "security events are lost: the database does not take them");
        } else if let Err(error) = self.sealer.seal().await {
            tracing::warn!(%error, "the last security events are not sealed; the next start does it");
        }
        self.services.pool.close().await;
    }
}
