//! Registration, login, refresh, logout, sessions and password reset.
//!
//! Threats and controls:
//! - User enumeration: response and database work are the same for known and unknown addresses. Only the mail differs.
//! - Brute force: `security/authentication/login_throttling` limits failed logins.
//! - Stolen refresh tokens: `security/sessions/refresh_tokens` detects that a token is used twice.
//! - Access tokens of ended sessions: `security/sessions/revocations` rejects them.
//! - Session fixation: a login ends the earlier session whose refresh cookie the browser sends.
//! - Account pre-hijacking: a registration contains no password (`store.rs`).

pub mod docs;
pub mod handlers;
pub mod mail;
pub mod model;
pub mod refresh_store;
pub mod session_store;
pub mod store;
pub mod views;
