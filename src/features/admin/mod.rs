//! User administration: list, unlock, disable, enable and sign out users.
//!
//! Threats and controls:
//! - Broken function-level authorization: `security/authorization/administrators` checks the role of the caller.
//! - Private data: no endpoint returns the customers, invoices or password hashes of users.
//! - Privilege escalation: no endpoint changes a role. Only the command line does.
//! - Lock-out: administrators cannot disable themselves.
//!   The last active administrator cannot delete their account.

pub mod docs;
pub mod handlers;
mod model;
pub mod store;
pub mod views;
