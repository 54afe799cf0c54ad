//! API7, API8: attacks by plain HTTP, SSRF, forged proxy headers, and on the management port (ASVS V12).

mod forwarded;
mod metrics_auth;
mod outbound;
pub mod transport;
