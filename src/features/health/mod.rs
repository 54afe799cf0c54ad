//! Liveness and readiness for load balancers. A response contains neither the version nor the reason of a failure. The
//! log contains the reason.

pub mod docs;
pub mod handlers;
mod readiness;

pub use readiness::Readiness;
