//! The security summary for administrators:
//! - the number of events over time,
//! - the networks and the accounts with the most warnings and critical events,
//! - the health of the hash chain, the outbox and the connection pool.
//!
//! Threats and controls:
//! - Unrestricted resource consumption: the summary of a large audit trail could overload the database.
//!   So the statement counts at most [`store::MAX_ROWS`] rows, and reads only an index.
//! - Misuse by an administrator: reads are recorded as security events, once per minute for each session.

pub mod docs;
pub mod handlers;
mod model;
pub mod store;
pub mod views;
