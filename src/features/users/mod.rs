//! The caller's profile, password change and account deletion.
//!
//! Threats and controls:
//! - BOLA: changing another user's profile. Each statement filters by the caller's id.
//! - Privilege escalation: requests contain no role, and the service has no right to write the column `role`.
//! - Account takeover with a stolen session: password change and account deletion require re-authentication.
//! - Lost update: a change requires `If-Match`.

pub mod docs;
pub mod handlers;
mod model;
pub mod purge_store;
pub mod store;
pub mod views;
