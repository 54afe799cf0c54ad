//! Detection (ASVS V16.3): rules count the security events, and alerts tell the people on call.
//!
//! Attacks: id enumeration, spraying and probing that no single refusal shows (API1:2023, API2:2023, CWE-778).

pub mod alerts;
pub mod rules;
