//! `health`: asks the service on this machine whether it can serve, for a container's health check. The image has no shell and no
//! curl.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::failure::Failure;

/// Longer than readiness waits for the database.
const TIMEOUT: Duration = Duration::from_secs(3);

const QUESTION: &[u8] = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// `health`
///
/// # Errors
/// [`Failure::NotReady`]: nothing listens there, or it says that it cannot serve.
pub fn ask(plain: SocketAddr) -> Result<(), Failure> {
    let address = here(plain);
    match status(address) {
        Ok(line) if line.as_slice() == b"HTTP/1.1 204" => Ok(()),
        Ok(_) => Err(Failure::NotReady { address, cause: "the log of the service says why".to_owned() }),
        Err(error) => Err(Failure::NotReady { address, cause: error.to_string() }),
    }
}

/// Where a listener on this address is reached from this machine.
fn here(plain: SocketAddr) -> SocketAddr {
    let ip = match plain.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(ip, plain.port())
}

fn status(address: SocketAddr) -> io::Result<[u8; 12]> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(QUESTION)?;
    let mut line = [0; 12];
    stream.read_exact(&mut line)?;
    Ok(line)
}
