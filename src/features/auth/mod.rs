//! Registration, login, refresh, logout, sessions and password reset.
//!
//! Threats: user enumeration (uniform responses and work, details by mail only); brute force
//! (`security/authentication/login_throttling`); stolen refresh tokens (`security/sessions/refresh_tokens`); tokens of ended
//! sessions (`security/sessions/revocations`); session fixation (login ends the session of the cookie in its request); account
//! pre-hijacking (`store.rs`).

pub mod handlers;
pub mod mail;
pub mod model;
pub mod session_store;
pub mod store;
pub mod views;
