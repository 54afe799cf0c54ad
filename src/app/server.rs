//! The running service: its listeners and the work beside them, and how both end.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::listeners::{Listener, bind};
use super::meters::{self, Asked};
use super::open_files::connections_that_fit;
use super::services::{Services, WiringError};
use super::start_error::StartError;
use super::tls::{self, Certificate};
use super::workers::Workers;
use super::{management, routes, stack};
use crate::base::clock::Clock;
use crate::config::Settings;
use crate::http::client_ip::TrustedProxies;
use crate::http::lifecycle::Phase;
use crate::security::audit::context::within;
use crate::security::audit::event::{Event, EventKind};
use crate::security::limits::connection_limits::{Caps, ConnectionLimit};

/// TLS handshakes under way, of all clients and of one address.
const HANDSHAKES: Caps = Caps { total: 1_024, per_address: 128 };
/// How long the accepting thread has to pause.
const PAUSE: Duration = Duration::from_millis(100);
/// How long connections to the database may take to close at the end.
const POOL_TIMEOUT: Duration = Duration::from_secs(5);

/// A service that serves.
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
    let plain = plain_listener(&services);
    let connections = plain.connections.clone();

    let application = {
        let (services, endpoints, unknown) = (services.clone(), endpoints.clone(), unknown.clone());
        move || stack::application(&services, &endpoints, &unknown)
    };
    let http = bind(settings.http.bind, "STRONGROOM_HTTP_BIND")?;
    let mut sockets = vec![http.try_clone()?];
    // actix pauses accepting at a limit of its own, which is never reached: ours closes what exceeds it.
    let server =
        Server::build().workers(settings.http.workers).max_concurrent_connections(usize::MAX).disable_signals();
    let mut server = plain.clone().serve(server, http, application.clone())?;

    let asked = Arc::new(Asked::new(&services));
    meters::register(&services.metrics, &services, &asked, &endpoints, &unknown);
    meters::register_connections(&services.metrics, &connections, &plain.handshakes);
    let management = bind(settings.management.bind, "STRONGROOM_MANAGEMENT_BIND")?;
    let management_address = management.local_addr()?;
    let private = certificate.clone().filter(|_| management::needs_tls(management_address));
    let management = management::serve(&services, asked, management, private)?;
    let management_handle = management.handle();
    let mut workers = Workers::start(&services, endpoints, unknown, connections.clone())?;
    workers.add(async move { drop(management.await) });
    if let Some(certificate) = certificate {
        let https = bind(settings.tls.bind, "STRONGROOM_TLS_BIND")?;
        sockets.push(https.try_clone()?);
        let tls = TlsAcceptor::from(Arc::new(tls::server_config(certificate.clone())?));
        server = Listener { tls: Some(tls), ..plain }.serve(server, https, application)?;
        workers.add(certificate.watch());
    }
    let address = |place: usize| sockets.get(place).map(TcpListener::local_addr).transpose();
    let (http, https) = (address(0)?.unwrap_or(settings.http.bind), address(1)?);
    let server: Server = server.run();
    let handle = server.handle();
    within(&services.recorder, || Event::new(EventKind::SysStartup).record());
    Ok(Running {
        services,
        http,
        https,
        management: management_address,
        sockets,
        connections,
        server: tokio::spawn(server),
        handle,
        management_handle,
        workers,
    })
}

/// The listener without TLS; the other one shares its limits.
fn plain_listener(services: &Services) -> Listener {
    let http = &services.settings.http;
    let caps =
        Caps { total: connections_that_fit(http.max_connections), per_address: http.max_connections_per_address };
    Listener {
        tls: None,
        connections: ConnectionLimit::new(caps, TrustedProxies(http.trusted_proxies.clone())),
        // A proxy's handshakes are quick and few: it needs no exception.
        handshakes: ConnectionLimit::new(HANDSHAKES, TrustedProxies::default()),
        lifecycle: services.lifecycle.clone(),
        keep_alive: http.keep_alive,
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
        self.workers.abort();
    }

    /// Graceful shutdown. Clients leave while everything is still served; then newcomers are refused and running requests
    /// finish, each within its time; then the workers write what is left, and the pool closes.
    pub async fn stop(self) {
        let Self { services, sockets, connections, handle, .. } = self;
        let http = &services.settings.http;
        services.lifecycle.enter(Phase::Draining);
        sleep(http.drain).await;
        handle.pause().await;
        // The accepting thread has only been asked. A socket that ended under it would be an error in the log.
        sleep(PAUSE).await;
        for socket in &sockets {
            // Otherwise the system would still accept for us, and break these connections off at the end.
            let _ = socket2::SockRef::from(socket).shutdown(Shutdown::Both);
        }
        services.live.close();
        services.lifecycle.enter(Phase::Closing);
        if timeout(http.shutdown_grace, connections.none_open()).await.is_err() {
            tracing::warn!(connections = connections.open(), "requests still run and are broken off");
        }
        self.workers.stop().await;
        let _ = timeout(POOL_TIMEOUT, services.pool.close()).await;
        // Last: a connection to the database ends with the runtime of the thread that opened it, which may be any of these.
        handle.stop(false).await;
        self.management_handle.stop(false).await;
    }
}
