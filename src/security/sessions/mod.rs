//! Sessions and tokens (ASVS V7, V9): short-lived access tokens, rotating refresh tokens, immediate revocation, and the
//! verified identity of a request ([`caller`]).
//!
//! Attacks: forged and stolen tokens, replay, session fixation (API2:2023, CWE-347, CWE-384, CWE-613).

pub mod access_tokens;
pub mod caller;
pub mod refresh_tokens;
pub mod revocations;
pub mod tickets;
