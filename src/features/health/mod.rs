//! Liveness and readiness for load balancers. The responses disclose no version and no reason; the log contains the reason.

pub mod handlers;
mod readiness;

pub use readiness::Readiness;
