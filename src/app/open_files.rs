//! The operating system's limit of open files. It also limits the connections, because each connection is an open file.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The number of open files that are reserved for the database pool, documents and the log.
/// Below a limit of 1,024 open files, half of the limit is reserved.
const RESERVED: usize = 512;

/// Raises the soft limit of open files (often 1,024) to the hard limit.
/// Returns the number of connections that this limit allows, but at most `requested`.
pub fn max_connections(requested: usize) -> usize {
    let hard = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard }) {
        tracing::warn!(%error, "failed to raise the limit of open files");
    }
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
    let possible = files.map_or(requested, |files| files.saturating_sub(RESERVED).max(files / 2).min(requested));
    if possible < requested {
        tracing::warn!(possible, requested, "limit of open files allows fewer connections; raise it (ulimit -Hn)");
    }
    possible
}
