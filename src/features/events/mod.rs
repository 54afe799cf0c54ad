//! Security events: users read their own security history, administrators read all events and alerts.
//!
//! - [`model`] lists the events and fields that users may see. [`store`] contains the SQL.
//! - [`views`] and [`alert_views`] contain the request and response types. [`handlers`] contains the endpoints.
//!
//! Threats and controls:
//! - BOLA: a user reads the history of another user. The database functions check the reader.
//! - Information disclosure: an attacker with a hijacked session must not learn which attacks were detected.
//!   The attacker must not learn that a guessed password was right.
//!   So users see only the listed kinds of events, and no reason of a failed login.
//! - Misuse by an administrator: reads by an administrator are recorded, as one security event per view and minute.

pub mod alert_views;
pub mod docs;
pub mod handlers;
mod model;
pub mod store;
pub mod views;
