//! The security summary for administrators: events over time, the networks and the accounts with the most alarming events,
//! and the health of sealing, outbox and connection pool.
//!
//! - [`model`]: periods and counts. [`store`]: SQL. [`views`]: request and response types. [`handlers`]: the endpoint.
//!
//! Threats and controls:
//! - Unrestricted resource consumption: the summary of a large audit trail could overload the database.
//!   One statement counts at most [`store::MAX_ROWS`] rows of an index.
//! - Misuse by an administrator: reads are recorded, as one security event per minute.

pub mod docs;
pub mod handlers;
mod model;
pub mod store;
pub mod views;
