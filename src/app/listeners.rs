//! The listeners accept connections, terminate TLS and serve HTTP/1.1.
//! `security/limits/connection_limits` contains their limits.
//!
//! This module replaces actix-web's `HttpServer`, which cannot refuse a single connection.
//! At its limit of TLS handshakes, `HttpServer` pauses all listeners, so a few slow clients would block all others.

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

/// Timeout for receiving the head of a request (prevents Slowloris). actix can exceed this timeout by up to 10 s.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum number of unsent bytes that the kernel buffers for a connection (Linux).
/// By default, the kernel buffers megabytes, so a slow client looks like a client that reads nothing.
/// The kernel accepts more bytes only when half of this buffer is empty.
/// A client at [`MIN_RATE`](crate::security::limits::connection_limits::MIN_RATE) needs 16 s for this.
/// This is less than `STALL_TIMEOUT`, so only slower clients lose their connections.
#[cfg(target_os = "linux")]
const MAX_UNSENT: u32 = 128 * 1024;

#[derive(Clone)]
pub struct Listener {
    pub tls: Option<TlsAcceptor>,
    pub connections: Arc<ConnectionLimit>,
    pub handshakes: Arc<ConnectionLimit>,
    pub lifecycle: Lifecycle,
    /// How long a connection may be idle between two requests.
    pub keep_alive: Duration,
}

pub fn bind(address: SocketAddr, setting: &'static str) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).map_err(|cause| StartError::Address { address, setting, cause })?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&bound).set_tcp_notsent_lowat(MAX_UNSENT)?;
    Ok(bound)
}

impl Listener {
    /// Serves an application on a bound socket.
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
                // actix does not document this function, but its own `HttpServer` uses it.
                // When the future ends, actix closes idle connections, and busy connections after their request.
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
    async fn admit(self, tcp: TcpStream) -> Result<(Connection, Protocol, Option<SocketAddr>), DispatchError> {
        // Fails if the client has already reset the connection.
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
