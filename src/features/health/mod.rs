//! Liveness and readiness probes for load balancers.
//! The probes are public, so the response contains neither a version nor the reason of a failure.
//! The log contains the reason.

pub mod docs;
pub mod handlers;
mod readiness;

pub use readiness::Readiness;
