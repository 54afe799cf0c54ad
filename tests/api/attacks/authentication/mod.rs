//! API2:2023: passwords, brute force, user enumeration, registration and password resets (ASVS V6).

mod breached_passwords;
mod credentials;
pub mod device_cookies;
mod login_challenge;
pub mod login_throttling;
mod password_resets;
mod passwords;
mod registration;
