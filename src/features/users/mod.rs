//! One's own profile: see it, change it, change the password, leave.
//!
//! Threats: changing somebody else's (every statement is on the caller's own row); raising one's own rights (no request has a role
//! in it, and the service's database role cannot write one); a stolen session that takes the account over or deletes it
//! (both ask for the password, and count wrong ones); a lost update (`If-Match`).

pub mod handlers;
mod model;
pub mod purge_store;
pub mod store;
pub mod views;
