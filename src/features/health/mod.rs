//! Liveness and readiness probes for load balancers.
//! The response contains neither version nor reason, because the probes are public.
//! The log contains the reason of a failure.

pub mod docs;
pub mod handlers;
mod readiness;

pub use readiness::Readiness;
