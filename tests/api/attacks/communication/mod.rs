//! API7, API8: plain HTTP, SSRF, the management port (ASVS V12).

mod forwarded;
mod metrics_auth;
mod outbound;
pub mod transport;
