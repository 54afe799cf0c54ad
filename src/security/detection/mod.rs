//! Detection (ASVS V16.3): rules count the security events, and alerts notify the operators.
//!
//! Attacks: id enumeration, password spraying, brute force. No single refusal reveals them (API1:2023, API2:2023,
//! CWE-778).

pub mod alerts;
pub mod rules;
