//! Reading security events: users read their own security history, administrators read all events and alerts.
//!
//! - [`model`]: which events and fields users may see. [`store`]: SQL. [`views`], [`alert_views`]: wire types.
//!   [`handlers`].
//!
//! Threats: reading another user's history (the database functions check the reader). A hijacked session that learns
//! what was detected, or that a guessed password was right: users see only listed kinds, and no reason for a failed
//! login. Reads by administrators are recorded as events.

pub mod alert_views;
pub mod handlers;
mod model;
pub mod store;
pub mod views;
