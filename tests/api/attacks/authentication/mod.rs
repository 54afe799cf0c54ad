//! API2: passwords, guessing, registration and resets (ASVS V6).

mod breached_passwords;
mod credentials;
pub mod device_cookies;
mod login_challenge;
pub mod login_throttling;
mod password_resets;
mod passwords;
mod registration;
