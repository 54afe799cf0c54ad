//! The caller's profile, password change and account deletion.
//!
//! Threats and controls:
//! - BOLA: each statement filters by the caller's id, so no request can select another user's profile.
//! - Privilege escalation: no request has a field for the role, and the service cannot write the column `role`.
//! - Account takeover with a stolen session: password change and account deletion require re-authentication.
//! - Lost update: a change requires `If-Match`.

pub mod docs;
pub mod handlers;
mod model;
pub mod purge_store;
pub mod store;
pub mod views;
