//! Listeners: accept connections within the caps of `security/limits/connection_limits`, speak TLS, and serve HTTP/1.1.
//!
//! actix-web's `HttpServer` has no hook between accepting a connection and its first byte, and its cap on TLS handshakes pauses
//! every listener. So this puts actix-http's `HttpService` behind actix-server, as `HttpServer` does, with an admission before it.

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
use crate::security::communication::transport::OverTls;
use crate::security::limits::connection_limits::{ConnectionLimit, Permit, ReadersPace};

/// For the head of a request; a slow one ends after twice as long.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// From the first byte that we could read to the end of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a closed connection may take to say goodbye.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How many unsent bytes of a connection the kernel buffers (Linux). Without a bound it buffers megabytes and takes more only once a
/// third of them is sent: a client on a slow line would look like one that takes nothing. Half of it at [`MIN_RATE`](crate::security::limits::connection_limits::MIN_RATE) takes 16 s.
#[cfg(target_os = "linux")]
const MAX_UNSENT: u32 = 128 * 1024;

/// Who may connect, and how.
#[derive(Clone)]
pub struct Listener {
    pub tls: Option<TlsAcceptor>,
    pub connections: Arc<ConnectionLimit>,
    pub handshakes: Arc<ConnectionLimit>,
    pub lifecycle: Lifecycle,
    /// How long a connection may be idle.
    pub keep_alive: Duration,
}

/// Binds this address.
///
/// # Errors
/// [`StartError::Address`].
pub fn bind(address: SocketAddr, setting: &'static str) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).map_err(|cause| StartError::Address { address, setting, cause })?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&bound).set_tcp_notsent_lowat(MAX_UNSENT)?;
    Ok(bound)
}

impl Listener {
    /// Serves this application on a bound socket.
    ///
    /// # Errors
    /// The socket cannot be used.
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
                // Undocumented, but what `HttpServer` uses: idle connections close now, running requests are the last on theirs.
                .graceful_shutdown_signal(move || {
                    let lifecycle = lifecycle.clone();
                    async move { lifecycle.closing().await }
                })
                .on_connect_ext(|connection: &Connection, data| {
                    if connection.is_tls {
                        data.insert(OverTls);
                    }
                })
                .finish(map_config(application, |()| AppConfig::default()));
            fn_service(move |tcp| listener.clone().admit(tcp)).and_then(http)
        })
    }

    /// A connection whose peer has gone by now has no address: nothing that it sent is believed.
    async fn admit(self, tcp: TcpStream) -> Result<(Connection, Protocol, Option<SocketAddr>), DispatchError> {
        let peer = tcp.peer_addr().map_err(DispatchError::Io)?;
        let permit = self.connections.admit(peer.ip()).ok_or_else(refused)?;
        tcp.set_nodelay(true).map_err(DispatchError::Io)?;
        let (stream, is_tls): (Pin<Box<dyn ByteStream>>, bool) = match &self.tls {
            None => (Box::pin(tcp), false),
            Some(tls) => {
                let _handshake = self.handshakes.admit(peer.ip()).ok_or_else(refused)?;
                let shaken = timeout(HANDSHAKE_TIMEOUT, tls.accept(tcp)).await;
                let late = |_| DispatchError::Io(io::ErrorKind::TimedOut.into());
                (Box::pin(shaken.map_err(late)?.map_err(DispatchError::Io)?), true)
            }
        };
        let connection = Connection { stream, is_tls, pace: ReadersPace::default(), _permit: permit };
        Ok((connection, Protocol::Http1, Some(peer)))
    }
}

fn refused() -> DispatchError {
    DispatchError::Io(io::ErrorKind::QuotaExceeded.into())
}

trait ByteStream: AsyncRead + AsyncWrite {}
impl<T: AsyncRead + AsyncWrite> ByteStream for T {}

/// One admitted connection, plain or over TLS.
struct Connection {
    stream: Pin<Box<dyn ByteStream>>,
    is_tls: bool,
    pace: ReadersPace,
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
        this.pace.judge(context, attempt, bytes.len())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream.as_mut().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream.as_mut().poll_shutdown(context)
    }
}
