//! The caller's profile, password change and account deletion.
//!
//! Threats: changing another user's profile (each statement filters by the caller's id); privilege escalation (requests contain no
//! role, and the service's database role cannot write one); account takeover with a stolen session (password change and deletion
//! require re-authentication); lost updates (`If-Match`).

pub mod handlers;
mod model;
pub mod purge_store;
pub mod store;
pub mod views;
