//! Secure communication (ASVS V12): TLS for clients, one outbound client with SSRF protection, and access to the
//! metrics.
//!
//! Attacks: eavesdropping on plain HTTP, SSRF, disclosure by the management port (API7:2023, API8:2023, CWE-319,
//! CWE-918).

pub mod metrics_auth;
pub mod outbound;
pub mod transport;
