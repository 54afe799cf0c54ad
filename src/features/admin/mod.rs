//! User administration: list, unlock, disable, enable and sign out users.
//!
//! - [`model`]: the user as administrators see them. [`store`]: SQL. [`views`]: wire types. [`handlers`].
//!
//! Threats: a user who calls these functions (`security/authorization/administrators`). An administrator who reads
//! private data: customers, invoices and passwords are not reachable here. Privilege escalation: roles change on the
//! command line only. Lock-out: administrators cannot disable themselves, so one always remains.

pub mod handlers;
mod model;
pub mod store;
pub mod views;
