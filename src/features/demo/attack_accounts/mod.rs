//! Throw-away accounts for the attack panel of the console: an attacker and a victim for each attack.
//!
//! Threats and controls:
//! - Harm to real users: an attack could lock out a user or change their data.
//!   So each attack uses two new users, and they own only the objects that the attack needs.
//! - Accounts with known passwords (CWE-1392): addresses and passwords are random.
//!   Only the administrator who creates the accounts receives the passwords.
//!   Each request and the sweeper delete the accounts that are older than an hour, and keep at most
//!   [`store::MAX_ACCOUNTS`].
//! - Broken function-level authorization: only administrators can call the endpoint.
//!   The endpoint exists only if a setting enables the attack panel.

pub mod docs;
pub mod handlers;
pub mod model;
pub mod store;
mod views;
