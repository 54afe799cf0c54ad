//! Whether the process runs, and whether it can serve. For a load balancer: no body, no version, no reasons; those are in the log.

pub mod handlers;
mod readiness;

pub use readiness::Readiness;
