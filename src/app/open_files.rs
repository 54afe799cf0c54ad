//! The limit of open files: each connection is one, and a process at its limit accepts on no listener.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are no connections of clients: the pool, documents, the log.
const FOR_ALL_ELSE: usize = 512;

/// Raises the soft limit to the hard one (services often start with 1,024), and returns how many connections fit.
pub fn connections_that_fit(wanted: usize) -> usize {
    let hard = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard }) {
        tracing::warn!(%error, "failed to raise the limit of open files");
    }
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
    let fit = files.map_or(wanted, |files| files.saturating_sub(FOR_ALL_ELSE).max(files / 2).min(wanted));
    if fit < wanted {
        tracing::warn!(fit, wanted, "the limit of open files allows fewer connections; raise it (ulimit -Hn)");
    }
    fit
}
