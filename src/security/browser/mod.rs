//! Web frontend security (ASVS V3): CORS, CSRF protection and security headers.
//!
//! Attacks: pages of other origins that act for a signed-in visitor, XSS, clickjacking (API8:2023, CWE-352, CWE-942, CWE-1021).

pub mod cors;
pub mod csrf;
pub mod headers;
