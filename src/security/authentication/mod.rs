//! Authentication (ASVS V6): password policy and hashing, one function that verifies passwords, and login throttling.
//!
//! Attacks: brute force, credential stuffing, password spraying, user enumeration (API2:2023, CWE-307, CWE-204).

pub mod credentials;
pub mod device_cookies;
pub mod login_challenge;
pub mod login_throttling;
pub mod passwords;
