//! User administration: list, unlock, disable, enable and sign out users.
//!
//! - [`model`]: user accounts. [`store`]: SQL. [`views`]: request and response types. [`handlers`]: endpoints.
//!
//! Threats and controls:
//! - Broken function-level authorization: a user without the role calls an endpoint of this feature
//!   (`security/authorization/administrators`).
//! - An administrator reads private data: no endpoint returns customers, invoices or password hashes.
//! - Privilege escalation: no endpoint changes a role. Only the command line does.
//! - Lock-out of all administrators: administrators cannot disable themselves, so an active one always remains.

pub mod docs;
pub mod handlers;
mod model;
pub mod store;
pub mod views;
