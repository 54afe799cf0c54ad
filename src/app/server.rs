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

use super::services::{Services, WiringError};
use super::tls::{self, Certificate, TlsError};
use super::{routes, stack};
use crate::base::clock::Clock;
use crate::config::Settings;
use crate::features::auth::mail::MailWorker;
use crate::security::log::event::{Event, EventKind};

/// A connection that says nothing is closed after this long; slow headers after twice as long.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
const HEAD_WITHIN: Duration = Duration::from_secs(10);
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
    server: JoinHandle<io::Result<()>>,
    handle: ServerHandle,
    beside: Vec<JoinHandle<()>>,
    mail: JoinHandle<()>,
    mail_worker: Arc<MailWorker>,
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
    let (endpoints, unknown) = routes::with_limits(&settings.limits).map_err(|_| WiringError::RateLimit)?;
    let endpoints = Arc::new(endpoints);

    let http = listen(settings.http.bind, "STRONGROOM_HTTP_BIND")?;
    let http_address = http.local_addr()?;
    let mut server = {
        let (services, endpoints, unknown) = (services.clone(), endpoints.clone(), unknown.clone());
        HttpServer::new(move || stack::application(&services, &endpoints, &unknown))
            .workers(settings.http.workers)
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_WITHIN)
            .shutdown_timeout(settings.http.shutdown_grace.as_secs())
            .disable_signals()
            .listen(http)?
    };
    let mut https_address = None;
    let mut beside = Vec::new();
    if let Some(certificate) = certificate {
        let https = listen(settings.tls.bind, "STRONGROOM_TLS_BIND")?;
        https_address = Some(https.local_addr()?);
        server = server.listen_rustls_0_23(https, tls::server_config(certificate.clone())?)?;
        beside.push(tokio::spawn(certificate.watch()));
    }

    let mail_worker = Arc::new(mail_worker(&services)?);
    let revocations = services.authenticator.revocations.clone();
    beside.push(tokio::spawn(async move { revocations.listen().await }));
    beside.push(tokio::spawn({
        let (services, mail_worker) = (services.clone(), mail_worker.clone());
        async move {
            let mut every = tokio::time::interval(SWEEP_EVERY);
            loop {
                every.tick().await;
                sweep(&services, &mail_worker).await;
                endpoints.iter().map(|mounted| &mounted.limits).chain([&unknown]).for_each(|limits| limits.sweep());
            }
        }
    }));
    let mail = tokio::spawn({
        let worker = mail_worker.clone();
        async move { worker.run().await }
    });
    let server: Server = server.run();
    let handle = server.handle();
    Event::new(EventKind::SysStartup).record();
    Ok(Running {
        services,
        http: http_address,
        https: https_address,
        server: tokio::spawn(server),
        handle,
        beside,
        mail,
        mail_worker,
    })
}

fn listen(address: SocketAddr, setting: &'static str) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).map_err(|cause| StartError::Address { address, setting, cause })?;
    Ok(bound)
}

fn mail_worker(services: &Services) -> Result<MailWorker, WiringError> {
    let Services { pool, keys, settings, clock, mail_bell, .. } = services;
    MailWorker::new(pool.clone(), keys.clone(), settings, clock.clone(), mail_bell.clone())
        .map_err(|error| WiringError::Mail(error.to_string()))
}

/// Old rows that nobody may see any more.
async fn sweep(services: &Services, mail: &MailWorker) {
    services.authenticator.revocations.sweep();
    let swept = [
        services.credentials.guard.sweep().await,
        services.auth.sweep(services.settings.jwt.ttl).await,
        mail.sweep().await,
    ];
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
        self.beside.iter().chain([&self.mail]).for_each(JoinHandle::abort);
    }

    /// No new connections; running requests finish within the grace; then what works beside them.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        self.beside.iter().for_each(JoinHandle::abort);
        self.mail_worker.stop();
        if tokio::time::timeout(Duration::from_secs(5), self.mail).await.is_err() {
            tracing::warn!("mail is still queued; it goes out after the next start");
        }
        Event::new(EventKind::SysShutdown).record();
        self.services.pool.close().await;
    }
}
