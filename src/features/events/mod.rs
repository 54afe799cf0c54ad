//! What happened, for those whom it concerns: a user's own history, and for administrators all events and alerts.
//!
//! - [`model`]: what a user is told of an event. [`store`]: the functions that read. [`views`], [`alert_views`], [`handlers`].
//!
//! Threats: reading others' history (the database's functions ask who reads); a thief of a session who learns from the history
//! what the service knows of him, or that a password that he tried was right (a user is told kinds from a list, and of a failure
//! no reason). That an administrator has read is an event as well.

pub mod alert_views;
pub mod handlers;
mod model;
pub mod store;
pub mod views;
