//! Detection (ASVS V16.3): rules count the security events, and alerts notify the operators.
//!
//! Attacks that no single refusal reveals: id enumeration, password spraying, brute force (API1:2023, API2:2023,
//! CWE-778).

pub mod alerts;
pub mod rules;
