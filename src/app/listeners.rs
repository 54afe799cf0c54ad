//! The listeners accept connections, terminate TLS and serve HTTP/1.1.
//! `security/limits/connection_limits` contains their limits.
//!
//! actix-web's `HttpServer` cannot refuse a single connection.
//! At its limit of TLS handshakes, it pauses all listeners, so a few slow clients would block all others.
//! So this module replaces `HttpServer`.
//! It combines the same parts of actix (actix-server, and `HttpService` of actix-http), and adds the limits.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol, Request, Response};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, map_config};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Service, ServiceFactory, fn_service};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::start_error::StartError;
use crate::http::lifecycle::Lifecycle;
use crate::security::communication::transport::TlsConnection;
use crate::security::limits::connection_limits::{ConnectionLimit, Permit, StallTimer};

/// Timeout for receiving the head of a request (prevents Slowloris). actix closes a slow connection after 10 to 20 s.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout for closing a connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum number of unsent bytes that the kernel buffers for a connection (Linux).
/// By default, the kernel buffers megabytes. If this buffer is full, the kernel accepts more bytes from the service only
/// after it has sent a third of the buffer. Until then, a slow client looks like a client that reads nothing.
/// With this limit, the kernel accepts more bytes after it has sent half of the limit.
/// This takes 16 s at [`MIN_RATE`](crate::security::limits::connection_limits::MIN_RATE).
/// The service closes the connection of a slow reader later than that (`STALL_TIMEOUT`).
#[cfg(target_os = "linux")]
const MAX_UNSENT: u32 = 128 * 1024;

/// The parameters of a listener.
#[derive(Clone)]
pub struct Listener {
    pub tls: Option<TlsAcceptor>,
    pub connections: Arc<ConnectionLimit>,
    pub handshakes: Arc<ConnectionLimit>,
    pub lifecycle: Lifecycle,
    /// How long a connection may be idle between two requests.
    pub keep_alive: Duration,
}

/// Binds an address.
///
/// # Errors
/// Returns [`StartError::Address`] if the address is in use or not available.
pub fn bind(address: SocketAddr, setting: &'static str) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).map_err(|cause| StartError::Address { address, setting, cause })?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&bound).set_tcp_notsent_lowat(MAX_UNSENT)?;
    Ok(bound)
}

impl Listener {
    /// Serves an application on a bound socket.
    ///
    /// # Errors
    /// Fails if the socket is unusable.
    pub fn serve<F, I, S, B>(
        self,
        server: ServerBuilder,
        socket: TcpListener,
        application: F,
    ) -> io::Result<ServerBuilder>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        let name = socket.local_addr()?.to_string();
        server.listen(name, socket, move || {
            let (listener, lifecycle) = (self.clone(), self.lifecycle.clone());
            let application = application().into_factory().map_err(|error| error.into().error_response());
            let http = HttpService::build()
                .keep_alive(self.keep_alive)
                .client_request_timeout(HEAD_TIMEOUT)
                .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                // actix does not document this function, but actix's own `HttpServer` uses it.
                // When the future ends, idle connections are closed, and busy ones after their current request.
                .graceful_shutdown_signal(move || {
                    let lifecycle = lifecycle.clone();
                    async move { lifecycle.closing().await }
                })
                .on_connect_ext(|connection: &Connection, data| {
                    if connection.is_tls {
                        data.insert(TlsConnection);
                    }
                })
                .finish(map_config(application, |()| AppConfig::default()));
            fn_service(move |tcp| listener.clone().admit(tcp)).and_then(http)
        })
    }

    /// Accepts a connection, or drops it because of a limit.
    /// A connection that the client has already reset has no peer address, so it is dropped too.
    async fn admit(self, tcp: TcpStream) -> Result<(Connection, Protocol, Option<SocketAddr>), DispatchError> {
        let peer = tcp.peer_addr().map_err(DispatchError::Io)?;
        let permit = self.connections.admit(peer.ip()).ok_or_else(refused)?;
        tcp.set_nodelay(true).map_err(DispatchError::Io)?;
        let (stream, is_tls): (Pin<Box<dyn ByteStream>>, bool) = match &self.tls {
            None => (Box::pin(tcp), false),
            Some(tls) => {
                let _handshake = self.handshakes.admit(peer.ip()).ok_or_else(refused)?;
                let handshake = timeout(HANDSHAKE_TIMEOUT, tls.accept(tcp)).await;
                let late = |_| DispatchError::Io(io::ErrorKind::TimedOut.into());
                (Box::pin(handshake.map_err(late)?.map_err(DispatchError::Io)?), true)
            }
        };
        let connection = Connection { stream, is_tls, pace: StallTimer::default(), _permit: permit };
        Ok((connection, Protocol::Http1, Some(peer)))
    }
}

fn refused() -> DispatchError {
    DispatchError::Io(io::ErrorKind::QuotaExceeded.into())
}

trait ByteStream: AsyncRead + AsyncWrite {}
impl<T: AsyncRead + AsyncWrite> ByteStream for T {}

/// An accepted connection, with or without TLS.
struct Connection {
    stream: Pin<Box<dyn ByteStream>>,
    is_tls: bool,
    pace: StallTimer,
    _permit: Permit,
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream.as_mut().poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let attempt = this.stream.as_mut().poll_write(context, bytes);
        this.pace.check(context, attempt, bytes.len())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream.as_mut().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream.as_mut().poll_shutdown(context)
    }
}
