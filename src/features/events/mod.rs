//! Security events. Users read their own security history. Administrators read all events and all alerts.
//!
//! Threats and controls:
//! - BOLA: the database functions that return events check who the reader is.
//! - Information disclosure: an attacker with a hijacked session could read the history of the user.
//!   The history must not reveal which attacks were detected, or that a guessed password was right.
//!   So users see only the kinds of events in [`model`], and not the reason of a failed login.
//! - Misuse by an administrator: reads are recorded as security events, once per minute for each session and list.

pub mod alert_views;
pub mod docs;
pub mod handlers;
mod model;
pub mod store;
pub mod views;
