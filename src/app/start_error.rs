//! Errors that occur while the service starts.

use std::io;
use std::net::SocketAddr;

use super::tls::TlsError;
use super::wiring::WiringError;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Wiring(#[from] WiringError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(
        "failed to listen on {address} ({cause}): stop the program that uses this address, or set {setting} to another one"
    )]
    Address { address: SocketAddr, setting: &'static str, cause: io::Error },
    #[error("the server cannot start: {0}")]
    Server(#[from] io::Error),
}
