//! Throw-away accounts for the attack panel of the console: an attacker and a victim for each attack.
//!
//! Threats and controls:
//! - An attack of the panel locks out or harms a user: each attack has two new users, which own only what it needs.
//! - Accounts with known passwords stay behind (CWE-1392): addresses and passwords are random.
//!   Only the administrator who creates the accounts receives them.
//!   Each request deletes the accounts older than an hour, and keeps at most [`store::MAX_ACCOUNTS`].
//! - Broken function-level authorization: the endpoint is for administrators, and is mounted only if the panel is on.

pub mod docs;
pub mod handlers;
pub mod model;
pub mod store;
mod views;
