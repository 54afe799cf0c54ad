//! Errors at start.

use std::io;
use std::net::SocketAddr;

use super::tls::TlsError;
use super::wiring::WiringError;

/// An error at start. Each message says what to do.
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
