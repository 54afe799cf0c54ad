//! The lifetime of the service: [`start`] begins to serve requests, and [`Running::stop`] shuts down gracefully.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_server::ServerBuilder;
use actix_web::dev::{Server, ServerHandle};
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::listeners::{Listener, bind};
use super::meters::{self, ScrapeCache};
use super::open_files::max_connections;
use super::routes::{self, Mounted};
use super::services::Services;
use super::start_error::StartError;
use super::tls::{self, Certificate};
use super::wiring::WiringError;
use super::workers::{WorkerInputs, Workers};
use super::{management, stack};
use crate::base::clock::Clock;
use crate::config::Settings;
use crate::http::client_ip::TrustedProxies;
use crate::http::lifecycle::Phase;
use crate::security::audit::context::background_sync;
use crate::security::audit::event::{Event, EventKind};
use crate::security::limits::connection_limits::{Caps, ConnectionLimit};
use crate::security::limits::rate_limits::RouteLimits;

const HANDSHAKES: Caps = Caps { total: 1_024, per_address: 128 };
/// actix's accepting thread does not report that it has paused, so the shutdown waits this long.
const PAUSE_DELAY: Duration = Duration::from_millis(100);
const POOL_TIMEOUT: Duration = Duration::from_secs(5);

/// The running service.
pub struct Running {
    pub services: Services,
    pub http: SocketAddr,
    pub https: Option<SocketAddr>,
    pub management: SocketAddr,
    sockets: Vec<TcpListener>,
    connections: Arc<ConnectionLimit>,
    server: JoinHandle<io::Result<()>>,
    handle: ServerHandle,
    management_handle: ServerHandle,
    workers: Workers,
}

/// Binds the listeners, creates the services, and serves until [`Running::stop`].
/// Call this function inside an actix system.
///
/// # Errors
/// Returns a [`StartError`] that says how to correct the mistake.
pub fn start(
    settings: Arc<Settings>,
    database: PgConnectOptions,
    certificate: Option<Arc<Certificate>>,
    clock: Clock,
) -> Result<Running, StartError> {
    let services = Services::new(settings.clone(), database, clock)?;
    let (endpoints, unknown) = routes::with_limits(&settings).ok_or(WiringError::RateLimit)?;
    let endpoints = Arc::new(endpoints);
    let listener = plain_listener(&services);
    let (connections, handshakes) = (listener.connections.clone(), listener.handshakes.clone());
    let Bound { server, sockets, http, https } =
        bind_api(&services, &endpoints, &unknown, listener, certificate.as_ref())?;

    let cache = Arc::new(ScrapeCache::new(&services));
    meters::register(&services.metrics, &services, &cache, &endpoints, &unknown);
    meters::register_connections(&services.metrics, &connections, &handshakes);
    let management_socket = bind(settings.management.bind, "STRONGROOM_MANAGEMENT_BIND")?;
    let management = management_socket.local_addr()?;
    let private = certificate.clone().filter(|_| management::needs_tls(management));
    let management_server = management::serve(&services, cache, management_socket, private)?;
    let management_handle = management_server.handle();

    let inputs = WorkerInputs { endpoints, unknown, connections: connections.clone(), certificate };
    let workers = Workers::start(&services, inputs)?;
    meters::register_workers(&services.metrics, &workers.health());
    tokio::spawn(management_server);
    let server = server.run();
    let handle = server.handle();
    background_sync(&services.recorder, || Event::new(EventKind::SysStartup).record());
    let server = tokio::spawn(server);
    Ok(Running { services, http, https, management, sockets, connections, server, handle, management_handle, workers })
}

/// The API's listeners, which do not serve requests yet.
struct Bound {
    server: ServerBuilder,
    sockets: Vec<TcpListener>,
    http: SocketAddr,
    https: Option<SocketAddr>,
}

fn bind_api(
    services: &Services,
    endpoints: &Arc<Vec<Mounted>>,
    unknown: &RouteLimits,
    listener: Listener,
    certificate: Option<&Arc<Certificate>>,
) -> Result<Bound, StartError> {
    let settings = &services.settings;
    let application = {
        let (services, endpoints, unknown) = (services.clone(), endpoints.clone(), unknown.clone());
        move || stack::application(&services, &endpoints, &unknown)
    };
    // Switch off actix's own limit of connections, because at this limit actix pauses all listeners.
    // [`ConnectionLimit`] closes single connections instead.
    let server =
        Server::build().workers(settings.http.workers).max_concurrent_connections(usize::MAX).disable_signals();
    let plain = bind(settings.http.bind, "STRONGROOM_HTTP_BIND")?;
    let http = plain.local_addr()?;
    let mut sockets = vec![plain.try_clone()?];
    let mut server = listener.clone().serve(server, plain, application.clone())?;
    let mut https = None;
    if let Some(certificate) = certificate {
        let encrypted = bind(settings.tls.bind, "STRONGROOM_TLS_BIND")?;
        https = Some(encrypted.local_addr()?);
        sockets.push(encrypted.try_clone()?);
        let tls = TlsAcceptor::from(Arc::new(tls::server_config(certificate.clone())?));
        server = Listener { tls: Some(tls), ..listener }.serve(server, encrypted, application)?;
    }
    Ok(Bound { server, sockets, http, https })
}

/// Returns the listener without TLS. The HTTPS listener is a copy, so both share the same connection limits.
fn plain_listener(services: &Services) -> Listener {
    let http = &services.settings.http;
    let caps = Caps { total: max_connections(http.max_connections), per_address: http.max_connections_per_address };
    Listener {
        tls: None,
        connections: ConnectionLimit::new(caps, TrustedProxies(http.trusted_proxies.clone())),
        // Trusted proxies need no exemption from the limit per address, because their handshakes are few and short.
        handshakes: ConnectionLimit::new(HANDSHAKES, TrustedProxies::default()),
        lifecycle: services.lifecycle.clone(),
        keep_alive: http.keep_alive,
    }
}

impl Running {
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.server).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Ends the service without a graceful shutdown, as if the process were killed. Only tests use it.
    pub fn abort(self) {
        drop(self.handle.stop(false));
        drop(self.management_handle.stop(false));
        self.workers.abort();
    }

    /// Shuts down gracefully, in three phases:
    /// 1. The service drains. It still accepts requests, and closes each connection after its reply.
    /// 2. The service refuses new connections. Running requests finish within their timeout.
    /// 3. The workers write all queued events, and the database connections are closed.
    pub async fn stop(self) {
        let Self { services, sockets, connections, handle, .. } = self;
        let http = &services.settings.http;
        services.lifecycle.enter(Phase::Draining);
        sleep(http.drain).await;
        handle.pause().await;
        // If a socket closes before the accepting thread has paused, this thread logs an error.
        sleep(PAUSE_DELAY).await;
        for socket in &sockets {
            // An open socket would accept connections until the process ends. The kernel would then reset them.
            let _ = socket2::SockRef::from(socket).shutdown(Shutdown::Both);
        }
        services.live.close();
        services.lifecycle.enter(Phase::Closing);
        if timeout(http.shutdown_grace, connections.wait_until_none_open()).await.is_err() {
            tracing::warn!(connections = connections.open(), "requests still run; their connections are closed");
        }
        self.workers.stop().await;
        let _ = timeout(POOL_TIMEOUT, services.pool.close()).await;
        // Stop actix's threads last. A database connection breaks when the thread that opened it ends, and until here
        // the workers and the pool needed their connections.
        handle.stop(false).await;
        self.management_handle.stop(false).await;
    }
}
