//! The command `health`, which checks whether the service on this machine is ready.
//! It is the health check of the container, because the image has no shell and no curl.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::failure::Failure;

/// Longer than `GET /health/ready` waits for the database, so that a reply of 503 can still arrive.
const TIMEOUT: Duration = Duration::from_secs(3);

const REQUEST: &[u8] = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Runs `health`.
///
/// # Errors
/// Returns [`Failure::NotReady`] if the service does not reply, or replies that it is not ready.
pub fn check(listener: SocketAddr) -> Result<(), Failure> {
    let address = local(listener);
    match status(address) {
        Ok(line) if line.as_slice() == b"HTTP/1.1 204" => Ok(()),
        Ok(_) => Err(Failure::NotReady { address, cause: "see the log of the service".to_owned() }),
        Err(error) => Err(Failure::NotReady { address, cause: error.to_string() }),
    }
}

/// Returns the address at which this machine reaches the listener.
fn local(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(ip, listener.port())
}

fn status(address: SocketAddr) -> io::Result<[u8; 12]> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(REQUEST)?;
    let mut line = [0; 12];
    stream.read_exact(&mut line)?;
    Ok(line)
}
